/*
 * floor: the least work that a WebSocket fan-out can be.
 *
 * One alert to N readers costs N sends through the kernel's TCP stack, whoever
 * makes them. This program makes those sends and, as far as it can, nothing
 * else. What another server needs on top of it is that server's own doing.
 *
 *     floor PORT                  listens on 127.0.0.1, ends on SIGTERM
 *     floor PORT SECONDS BYTES    also writes a frame of BYTES to each reader once in SECONDS
 *
 * GET becomes a reader, POST sends its body to every reader as one text frame.
 * Heartbeats are spread over their interval, so that no moment has them all.
 * It is a yardstick, not a server: paths, keys and readers' words are ignored.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    EVENTS_PER_WAIT = 256,
    REQUEST_LIMIT = 1 << 20, /* nobody makes us hold more than this */
    FRAME_HEADER_LIMIT = 10,
    MOST_DESCRIPTORS = 1 << 20,
    NOT_A_READER = -1,
    HEARTBEAT_SLICES = 25,   /* parts of an interval, each with its share of the readers */
    HEARTBEAT_LIMIT = 4096,
};

/* load.c always sends the sample key of RFC 6455, so its answer is known. */
static const char UPGRADED[] =
    "HTTP/1.1 101 Switching Protocols\r\n"
    "Upgrade: websocket\r\n"
    "Connection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
    "\r\n";

static const char CREATED[] = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";

/* Bytes are kept only of a request that came in part: a reader at rest holds none. */
struct peer {
    char *kept;
    size_t kept_size;
    int seat;                /* place in readers[], or NOT_A_READER */
};

static struct peer *peers;   /* by descriptor; pages that nobody touches cost nothing */
static int *readers;         /* without holes, so that a fan-out only walks who is there */
static int reader_count;

/* Nothing is held that would need saving, so the end may come at any instruction. */
static void finish(int signal_number)
{
    (void)signal_number;
    _exit(0);
}

static void die(const char *what)
{
    fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void leave(int fd)
{
    struct peer *peer = &peers[fd];

    if (peer->seat != NOT_A_READER) {
        int last = readers[--reader_count];

        readers[peer->seat] = last;
        peers[last].seat = peer->seat;
        peer->seat = NOT_A_READER;
    }
    free(peer->kept);
    close(fd);               /* takes it out of epoll as well */
}

static void take_seat(int fd)
{
    peers[fd].seat = reader_count;
    readers[reader_count++] = fd;
}

/* Servers do not mask, so a frame is these few bytes and then the body (RFC 6455, 5.2). */
static size_t write_frame_header(unsigned char *to, size_t size)
{
    const unsigned char final_text = 0x81;

    to[0] = final_text;
    if (size <= 125) {
        to[1] = (unsigned char)size;
        return 2;
    }
    if (size <= 65535) {
        to[1] = 126;
        to[2] = (unsigned char)(size >> 8);
        to[3] = (unsigned char)size;
        return 4;
    }
    to[1] = 127;
    for (int i = 0; i < 8; i++)
        to[2 + i] = (unsigned char)((uint64_t)size >> (56 - 8 * i));
    return 10;
}

/*
 * There is no queue here. A reader with half a frame could only read rubbish
 * from now on, and one that missed a frame would hide it, so both are cut and
 * the loss is seen.
 */
static int give(int fd, const unsigned char *frame, size_t whole)
{
    if (send(fd, frame, whole, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)whole)
        return 1;
    leave(fd);
    return 0;
}

static void fan_out(const char *body, size_t size)
{
    static unsigned char frame[FRAME_HEADER_LIMIT + REQUEST_LIMIT];
    size_t header = write_frame_header(frame, size);
    int i = 0;

    memcpy(frame + header, body, size);
    /* The last reader takes the seat of one that was cut, which is why i stays. */
    while (i < reader_count)
        i += give(readers[i], frame, header + size);
}

/* Serves one slice of the readers; the others have their turn in the next calls. */
static void beat(size_t size)
{
    static unsigned char frame[FRAME_HEADER_LIMIT + HEARTBEAT_LIMIT];
    static int slice;
    size_t header = write_frame_header(frame, size);

    memset(frame + header, ' ', size);
    for (int i = slice; i < reader_count; i += HEARTBEAT_SLICES)
        give(readers[i], frame, header + size);
    slice = (slice + 1) % HEARTBEAT_SLICES;
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Size of the first request, headers and body; 0: not all here yet; -1: never will be. */
static ssize_t request_size(const char *text, size_t have, size_t *body_at)
{
    static const char name[] = "\r\nContent-Length:";
    const char *end = strstr(text, "\r\n\r\n");
    const char *line = strcasestr(text, name);
    size_t body = 0;

    if (!end)
        return 0;
    *body_at = (size_t)(end - text) + 4;
    if (line && line < end)
        body = strtoul(line + sizeof name - 1, NULL, 10);
    if (body > REQUEST_LIMIT - *body_at)
        return -1;
    return have < *body_at + body ? 0 : (ssize_t)(*body_at + body);
}

/* An answer is smaller than any socket buffer; if it does not fit, the peer is not worth waiting for. */
static int answer(int fd, const char *text)
{
    size_t size = strlen(text);

    return send(fd, text, size, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)size;
}

/* Serves every whole request and returns the bytes used, or -1 when the peer has to go. */
static ssize_t serve(int fd, const char *text, size_t have)
{
    size_t used = 0, body_at = 0;
    ssize_t size;

    while (used < have && (size = request_size(text + used, have - used, &body_at)) != 0) {
        const char *request = text + used;
        int joins = size > 0 && !memcmp(request, "GET ", 4);
        int posts = size > 0 && !memcmp(request, "POST", 4);

        /* The poster is answered first, so that its wait does not grow with the crowd. */
        if ((!joins && !posts) || !answer(fd, joins ? UPGRADED : CREATED))
            return -1;
        if (joins) {
            take_seat(fd);
            return (ssize_t)have;
        }
        fan_out(request + body_at, (size_t)size - body_at);
        used += (size_t)size;
    }
    return (ssize_t)used;
}

static char *copy_of(const char *from, size_t size)
{
    char *copy = malloc(size);

    if (!copy)
        die("malloc");
    return memcpy(copy, from, size);
}

/* epoll is level-triggered: what one read leaves behind wakes us again. */
static void hear(int fd)
{
    static char text[REQUEST_LIMIT + 1];
    struct peer *peer = &peers[fd];
    size_t have = peer->kept_size;
    ssize_t got, used;

    if (have)
        memcpy(text, peer->kept, have);
    got = read(fd, text + have, REQUEST_LIMIT - have);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        leave(fd);
        return;
    }
    if (peer->seat != NOT_A_READER)
        return;              /* what readers say is nobody's business here */

    have += (size_t)got;
    text[have] = '\0';       /* the searches stop here */
    used = serve(fd, text, have);
    if (used < 0) {
        leave(fd);
        return;
    }
    free(peer->kept);
    peer->kept_size = have - (size_t)used;
    peer->kept = peer->kept_size ? copy_of(text + used, peer->kept_size) : NULL;
}

static void welcome(int listener, int poll)
{
    const int on = 1;
    int fd;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct epoll_event wish = {.events = EPOLLIN, .data.fd = fd};

        peers[fd] = (struct peer){.seat = NOT_A_READER};
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (epoll_ctl(poll, EPOLL_CTL_ADD, fd, &wish) < 0)
            die("epoll_ctl");
    }
    /* Out of descriptors, the listener would wake us for ever: better to end and say so. */
    if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
        die("accept4");
}

static int listen_on(int port)
{
    struct sockaddr_in where = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&where, sizeof where) < 0 || listen(fd, 4096) < 0)
        die("listen");
    return fd;
}

int main(int argc, char **argv)
{
    struct epoll_event events[EVENTS_PER_WAIT];
    struct epoll_event wish = {.events = EPOLLIN};
    struct rlimit limit;
    int listener, poll;
    int64_t pause = 0, due = 0;
    size_t heartbeat = 0;

    if (argc != 2 && argc != 4) {
        fprintf(stderr, "usage: floor PORT [SECONDS BYTES]\n");
        return 2;
    }
    if (argc == 4) {
        pause = (int64_t)(atof(argv[2]) * 1000 / HEARTBEAT_SLICES);
        heartbeat = strtoul(argv[3], NULL, 10);
        if (pause < 1 || heartbeat > HEARTBEAT_LIMIT) {
            fprintf(stderr, "floor: at least %g seconds, at most %d bytes\n", HEARTBEAT_SLICES / 1e3, HEARTBEAT_LIMIT);
            return 2;
        }
        due = now_ms() + pause;
    }

    signal(SIGTERM, finish);
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max < MOST_DESCRIPTORS ? limit.rlim_max : MOST_DESCRIPTORS;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        die("setrlimit");
    peers = calloc(limit.rlim_cur, sizeof *peers);
    readers = calloc(limit.rlim_cur, sizeof *readers);
    if (!peers || !readers)
        die("calloc");

    listener = listen_on(atoi(argv[1]));
    poll = epoll_create1(EPOLL_CLOEXEC);
    wish.data.fd = listener;
    if (poll < 0 || epoll_ctl(poll, EPOLL_CTL_ADD, listener, &wish) < 0)
        die("epoll");

    for (;;) {
        int64_t left = pause ? due - now_ms() : -1;
        int count;

        if (pause && left <= 0) {
            beat(heartbeat);
            due += pause;
            continue;
        }
        count = epoll_wait(poll, events, EVENTS_PER_WAIT, (int)left);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == listener)
                welcome(listener, poll);
            else
                hear(events[i].data.fd);
        }
    }
}
