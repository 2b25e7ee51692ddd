/* net/http_store.c - a stream's body that goes into a file as it comes, digests made on the way. */
#include "net/http_exchange.h"

void ab_http_store_drop(struct ab_http_store *store)
{
    ab_file_unref(store->where.file);
    store->where.file = NULL;
    for (int i = 0; i < AB_HTTP_DIGESTS; i++) {
        ab_digest_free(store->digests[i]);
        store->digests[i] = NULL;
    }
}

bool ab_http_store_begin(struct ab_http *http, const struct ab_region *where,
                         const char *const digests[AB_HTTP_DIGESTS], struct ab_err *err)
{
    struct ab_http_store *store = &http->store;

    if (store->where.file)
        return ab_fail(err, AB_USAGE, "busy", "this reply goes into a file already");
    for (int i = 0; i < AB_HTTP_DIGESTS; i++) {
        store->digests[i] = digests[i] ? ab_digest_new(digests[i], err) : NULL;
        if (digests[i] && !store->digests[i]) {
            ab_http_store_drop(store);
            return false;
        }
    }
    store->where = *where;
    ab_file_ref(store->where.file);
    return true;
}

static bool add(struct ab_http *http, const void *data, size_t len, struct ab_err *err)
{
    struct ab_http_store *store = &http->store;
    const struct ab_region *where = &store->where;

    if (len > (uint64_t)(where->size - store->stored))
        return ab_fail(err, AB_REPLY, "range", "%s: the reply has more than %lld bytes",
                       http->way->host, (long long)where->size);
    for (int i = 0; i < AB_HTTP_DIGESTS; i++)
        if (store->digests[i] && !ab_digest_add(store->digests[i], data, len, err))
            return false;
    if (!ab_file_write(where->file, data, len, where->at + store->stored, err))
        return false;
    store->stored += (int64_t)len;
    return true;
}

bool ab_http_store_add(struct ab_http *http, const void *data, size_t len)
{
    http->broken = http->broken || !add(http, data, len, &http->err);
    return !http->broken;
}

bool ab_http_store_prove(const struct ab_http *http, struct ab_err *err)
{
    const struct ab_http_store *store = &http->store;

    if (!store->where.file || store->stored == store->where.size)
        return true;
    return ab_fail(err, AB_REPLY, "range", "%s: the reply has %lld of %lld bytes", http->way->host,
                   (long long)store->stored, (long long)store->where.size);
}

bool ab_http_stored(const struct ab_http *http, int i, uint8_t out[AB_DIGEST_MAX], size_t *len,
                    struct ab_err *err)
{
    *len = 0;
    return !http->store.digests[i] || ab_digest_peek(http->store.digests[i], out, len, err);
}
