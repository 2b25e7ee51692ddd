/* A loopback server that takes any object and forgets it: what S3 answers to PutObject, the parts
 * of a multipart upload and its end, as fast as a socket is read. For benchmarks of clients: no
 * server that keeps what it gets is as fast as they are.
 *
 * usage: bench_canned; prints its port, and ends with standard input */
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROOM = 1 << 20, LINE = 512 };

struct conn {
    int fd;
    size_t have;
    char room[ROOM + 1];
};

static const char BEGUN[] = "<InitiateMultipartUploadResult><UploadId>u</UploadId>"
                            "</InitiateMultipartUploadResult>";
static const char DONE[] = "<CompleteMultipartUploadResult><ETag>\"e\"</ETag>"
                           "</CompleteMultipartUploadResult>";

/* The end of the next request's head, with as much after it as came along; NULL at the end. */
static char *read_head(struct conn *c)
{
    for (;;) {
        c->room[c->have] = '\0';
        char *end = strstr(c->room, "\r\n\r\n");
        if (end)
            return end + 4;
        ssize_t n = c->have < ROOM ? read(c->fd, c->room + c->have, ROOM - c->have) : 0;
        if (n <= 0)
            return NULL;
        c->have += (size_t)n;
    }
}

/* Forget the body of the request whose head ends at `end`; what follows moves to the front. */
static bool skip_body(struct conn *c, const char *end)
{
    const char *told = strcasestr(c->room, "\r\ncontent-length:");
    size_t left = told && told < end ? strtoul(told + 17, NULL, 10) : 0;
    size_t there = c->have - (size_t)(end - c->room);

    if (left <= there) {
        memmove(c->room, end + left, there - left);
        c->have = there - left;
        return true;
    }
    for (left -= there, c->have = 0; left > 0;) {
        ssize_t n = read(c->fd, c->room, left < ROOM ? left : ROOM);
        if (n <= 0)
            return false;
        left -= (size_t)n;
    }
    return true;
}

static bool answer(const struct conn *c, const char *line)
{
    bool is_head = strncmp(line, "HEAD", 4) == 0, is_post = strncmp(line, "POST", 4) == 0;
    const char *body = !is_post ? "" : strstr(line, "?uploads") ? BEGUN : DONE;
    char reply[1024];

    int len =
        snprintf(reply, sizeof reply, "HTTP/1.1 %s\r\nETag: \"e\"\r\nContent-Length: %zu\r\n\r\n%s",
                 is_head ? "404 Not Found" : "200 OK", strlen(body), body);
    return write(c->fd, reply, (size_t)len) == len;
}

static void *serve(void *arg)
{
    struct conn *c = arg;
    char line[LINE], *end;

    while ((end = read_head(c))) {
        snprintf(line, sizeof line, "%.*s", LINE - 1, c->room);
        if (!skip_body(c, end) || !answer(c, line))
            break;
    }
    close(c->fd);
    free(c);
    return NULL;
}

static void *accept_all(void *arg)
{
    int listener = *(int *)arg;

    for (;;) {
        struct conn *c = calloc(1, sizeof *c);
        pthread_t thread;
        if (!c || (c->fd = accept(listener, NULL, NULL)) < 0 ||
            pthread_create(&thread, NULL, serve, c) != 0)
            exit(1);
        pthread_detach(thread);
    }
}

int main(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    pthread_t thread;

    if (bind(listener, (struct sockaddr *)&at, len) != 0 || listen(listener, 64) != 0 ||
        getsockname(listener, (struct sockaddr *)&at, &len) != 0 ||
        pthread_create(&thread, NULL, accept_all, &listener) != 0)
        return 1;
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    while (getchar() != EOF)
        continue;
    return 0;
}
