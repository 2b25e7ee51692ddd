/* Compares checksums as the processor computes them with those by tables:
 *
 *   crc_check SEED [plain]
 *
 * Prints whether the processor's were folded or by tables, too; or what differs, and fails. For a
 * processor that is emulated, so without a program of ours around it. `plain` hides what the kernel
 * tells of the processor; link with -Wl,--wrap=getauxval. */
#define _DEFAULT_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "crypto/crc.h"

enum { SHORT = 600, LONG = 64 * 1024, POOL = 128 * 1024, PAGE = 64 * 1024, LONG_RUNS = 12 };

static const struct {
    const char *name;
    uint64_t poly;
    int bits;
    uint64_t known; /* of "123456789" (https://reveng.sourceforge.io/crc-catalogue/) */
} kinds[] = {
    {"crc32", AB_CRC32_POLY, 32, UINT64_C(0xcbf43926)},
    {"crc32c", AB_CRC32C_POLY, 32, UINT64_C(0xe3069283)},
    {"crc64nvme", AB_CRC64NVME_POLY, 64, UINT64_C(0xae8b14860a799888)},
};

static bool plain;
static uint64_t state; /* of random numbers: xorshift64 */

unsigned long __real_getauxval(unsigned long type);
unsigned long __wrap_getauxval(unsigned long type);

unsigned long __wrap_getauxval(unsigned long type)
{
    return plain ? 0 : __real_getauxval(type);
}

static size_t any(size_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (size_t)(state % below);
}

static void check(size_t kind, const char *how, size_t len, uint64_t wanted, uint64_t got)
{
    if (wanted == got)
        return;
    printf("%s of %zu bytes %s is %016" PRIx64 ", not %016" PRIx64 "\n", kinds[kind].name, len, how,
           got, wanted);
    exit(1);
}

static uint64_t whole(size_t kind, bool portable, const uint8_t *data, size_t len)
{
    struct ab_crc c;

    ab_crc_init(&c, kinds[kind].poly, kinds[kind].bits, portable);
    ab_crc_add(&c, data, len);
    return ab_crc_value(&c);
}

static uint64_t by_pieces(size_t kind, const uint8_t *data, size_t len)
{
    struct ab_crc c;

    ab_crc_init(&c, kinds[kind].poly, kinds[kind].bits, false);
    while (len > 0) {
        size_t piece = any(any(len + 1) + 1);
        ab_crc_add(&c, data, piece);
        data += piece;
        len -= piece;
    }
    return ab_crc_value(&c);
}

/* At some address, and where the byte after the last cannot be read. */
static void check_length(const uint8_t *pool, size_t len)
{
    const uint8_t *places[] = {pool + any(POOL - len + 1), pool + POOL - len};

    for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++)
        for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
            uint64_t wanted = whole(kind, true, places[i], len);
            check(kind, "at once", len, wanted, whole(kind, false, places[i], len));
            check(kind, "in pieces", len, wanted, by_pieces(kind, places[i], len));
        }
}

int main(int argc, char **argv)
{
    uint8_t *pool =
        mmap(NULL, POOL + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct ab_crc c;

    if (pool == MAP_FAILED || mprotect(pool + POOL, PAGE, PROT_NONE) != 0)
        return 2;
    plain = argc > 2 && strcmp(argv[2], "plain") == 0;
    state = argc > 1 ? strtoull(argv[1], NULL, 10) * 2 + 1 : 1;
    for (size_t i = 0; i < POOL; i++)
        pool[i] = (uint8_t)any(256);
    for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++)
        for (int portable = 0; portable < 2; portable++)
            check(kind, portable ? "by tables" : "at once", 9, kinds[kind].known,
                  whole(kind, portable, (const uint8_t *)"123456789", 9));
    for (size_t len = 0; len <= SHORT; len++)
        check_length(pool, len);
    for (int i = 0; i < LONG_RUNS; i++)
        check_length(pool, LONG - SHORT / 2 + any(SHORT));
    ab_crc_init(&c, AB_CRC32_POLY, 32, false);
    puts(c.folds ? "folded" : "by tables");
    return 0;
}
