/*
 * load: a crowd of WebSocket readers, the publishers they wait for, and what both cost the server.
 *
 *     load --port 8000 --path /live --post-path /items --pids 123 paced:10:0.1 join:5000 rest:1 paced:30:0.25
 *
 * Steps are done in the order given, each on the connections of those before:
 *
 *     join:N         open N more readers
 *     stick:N        open N readers that will never read
 *     unstick        close those again
 *     rest:S         read for S seconds, publish nothing
 *     paced:N:GAP    publish N items, one every GAP seconds, none before all readers have the one before
 *     burst:P:N      P publishers at once, N items each, as fast as they are taken
 *
 * After each a line of JSON says what happened. All readers are one thread (epoll), or one in each of several processes
 * when one may not have so many descriptors; publishers are threads of their own. Every item carries a marker and a
 * number. Each reader must get each number that was published after it joined once; how many did not, and how many came
 * twice, is told and makes the exit status 1. The server's CPU and memory are read from outside (/proc), so any server
 * in any language will do.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

enum {
    HANDSHAKES_IN_FLIGHT = 200, /* more would fill a backlog and measure the kernel's retries */
    READERS_PER_ADDRESS = 20000, /* one address has about 28,000 ports to connect from */
    EVENTS_PER_WAIT = 512,
    READ_SIZE = 1 << 18,
    FRAME_LIMIT = 1 << 24, /* a longer one is taken for a stream that we have lost */
    MOST_PIDS = 64,
    MOST_CROWDS = 64,
    OTHER_DESCRIPTORS = 1000, /* of publishers, readers that never read, and the files that we look into */
    MOST_PUBLISHERS = 256,
    LONGEST_HEADLINE = 279, /* of ticker; the rest of a body goes where the source's name goes */
    SMALLEST_BODY = 80,
    LARGEST_BODY = 380,
    STUCK_BUFFER = 4096,
    LOOK_MS = 20, /* how often a step looks whether its publishers have ended */
    GRACE_MS = 200, /* for a second copy of what every reader has already */
    NOTHING = -1,
};

static const double NS = 1e9;

enum protocol { HTTP, NATS, MQTT };

static struct {
    int port, post_port;
    const char *path, *post_path, *subprotocol;
    enum protocol protocol;
    char post_headers[2048];
    unsigned char hello[512], welcome[128];
    size_t hello_size, welcome_size;
    int body_bytes, nice;
    double patience;
    int pids[MOST_PIDS], pid_count;
    int store_pids[MOST_PIDS], store_pid_count;
} options = {.port = 8000, .path = "/", .post_path = "/", .subprotocol = "", .body_bytes = 300, .patience = 15};

/* ---- items ---- */

struct item {
    _Atomic uint64_t posted_ns;
    _Atomic uint64_t last_ns; /* when the latest reader had it */
    _Atomic int reached;
    _Atomic int everywhere; /* all readers have it */
    unsigned char *seen;    /* a bit for each reader */
};

static struct item *items;
static unsigned item_limit;
static char marker[32];         /* "m1f2e3d4c item " */
static size_t marker_size;

/* ---- readers ---- */

enum state { CONNECTING, SHAKING, WELCOMING, JOINED, GONE };

/* Bytes are kept only of what came in part. */
struct reader {
    int fd;
    enum state state;
    unsigned first;         /* the first number that counts: earlier ones may stand in a snapshot */
    int latest_in_frame;    /* a frame may name its item twice */
    unsigned char *kept;
    size_t kept_size;
};

static struct reader *readers;
static int opened, entered, reader_limit;
static int *stuck, stuck_count, stuck_limit;
static int poller;

/* ---- what a step counts ---- */

/* One for each process that has readers, written by it alone. */
struct tally {
    uint64_t delivered, doubled, frames, frame_bytes;
    uint64_t last_delivery_ns, last_progress_ns;
    int lost;
} __attribute__((aligned(64)));

/* In memory that all processes share. */
static struct {
    struct tally tallies[MOST_CROWDS];
    _Atomic int wanted[MOST_CROWDS]; /* readers that each process shall have */
    _Atomic int joined;              /* readers of all */
    _Atomic unsigned issued;         /* numbers given out */
    _Atomic size_t latency_count;
    size_t latency_limit;
    _Atomic int died, quit;
    pthread_mutex_t mutex;
    pthread_cond_t everywhere;
    char fault[256];
} *shared;

static uint32_t *latencies; /* shared, too; in units of 100 ns, so that 32 bits hold seven minutes */
static struct tally *mine;
static int crowds = 1, crowd;
static unsigned first_reader; /* number of this process's first */

static _Atomic int given_up;
static int any_fault;

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void print_text(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            printf("\\%c", *text);
        else if (isprint((unsigned char)*text))
            putchar(*text);
        else
            putchar(' ');
    }
    putchar('"');
}

/* What makes the whole run worthless. */
__attribute__((format(printf, 1, 2), noreturn)) static void die(const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (crowd) {            /* the first process tells it */
        memcpy(shared->fault, text, sizeof shared->fault - 1);
        atomic_store(&shared->died, 1);
        _exit(1);
    }
    printf("{\"fault\": ");
    print_text(text);
    printf("}\n");
    fflush(stdout);
    _exit(1);
}

/* What makes this step worthless; the first one is told. */
__attribute__((format(printf, 1, 2))) static void complain(const char *format, ...)
{
    va_list arguments;

    pthread_mutex_lock(&shared->mutex);
    if (!shared->fault[0]) {
        va_start(arguments, format);
        vsnprintf(shared->fault, sizeof shared->fault, format, arguments);
        va_end(arguments);
    }
    pthread_mutex_unlock(&shared->mutex);
}

static void *share(size_t size)
{
    void *made = mmap(NULL, size ? size : 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (made == MAP_FAILED)
        die("out of memory");
    return made;
}

static struct tally sum(void)
{
    struct tally total = {0};

    for (int i = 0; i < crowds; i++) {
        struct tally *one = &shared->tallies[i];

        total.delivered += one->delivered;
        total.doubled += one->doubled;
        total.frames += one->frames;
        total.frame_bytes += one->frame_bytes;
        total.lost += one->lost;
        if (total.last_delivery_ns < one->last_delivery_ns)
            total.last_delivery_ns = one->last_delivery_ns;
        if (total.last_progress_ns < one->last_progress_ns)
            total.last_progress_ns = one->last_progress_ns;
    }
    return total;
}

static void *allocate(size_t count, size_t size)
{
    void *made = calloc(count ? count : 1, size);

    if (!made)
        die("out of memory");
    return made;
}

/* ---- what Linux tells about the server ---- */

/*
 * Run time of all threads, and how long they stood ready while somebody else had their core. A thread that has ended
 * takes its share with it, so this suits servers whose threads live on.
 */
struct spent {
    uint64_t ran, waited;
};

static struct spent spent_by(const int *pids, int count)
{
    struct spent total = {0, 0};

    for (int i = 0; i < count; i++) {
        char folder[64], name[384];
        struct dirent *entry;
        DIR *tasks;

        snprintf(folder, sizeof folder, "/proc/%d/task", pids[i]);
        tasks = opendir(folder);
        if (!tasks)
            die("the server is gone");
        while ((entry = readdir(tasks))) {
            unsigned long long ran, waited;
            FILE *file;

            if (entry->d_name[0] == '.')
                continue;
            snprintf(name, sizeof name, "%s/%s/schedstat", folder, entry->d_name);
            file = fopen(name, "r");
            if (!file)
                continue;   /* it ended while we looked */
            if (fscanf(file, "%llu %llu", &ran, &waited) == 2) {
                total.ran += ran;
                total.waited += waited;
            }
            fclose(file);
        }
        closedir(tasks);
    }
    return total;
}

/* Proportional set size: pages that are shared are divided among those who share them. */
static uint64_t pss_bytes(void)
{
    uint64_t total = 0;

    for (int i = 0; i < options.pid_count; i++) {
        char name[64], line[256];
        unsigned long long kilobytes;
        FILE *file;

        snprintf(name, sizeof name, "/proc/%d/smaps_rollup", options.pids[i]);
        file = fopen(name, "r");
        if (!file)
            die("the server's memory cannot be read");
        while (fgets(line, sizeof line, file))
            if (sscanf(line, "Pss: %llu", &kilobytes) == 1)
                total += kilobytes * 1024;
        fclose(file);
    }
    return total;
}

/* ---- readers: frames in ---- */

static void hit(struct reader *reader, int number, uint64_t now)
{
    struct item *item;
    unsigned index = first_reader + (unsigned)(reader - readers);
    unsigned char bit = (unsigned char)(1u << (index & 7));
    uint64_t last;
    size_t place;

    if (number < (int)reader->first || number >= (int)atomic_load(&shared->issued) ||
        number == reader->latest_in_frame)
        return;
    reader->latest_in_frame = number;
    item = &items[number];
    if (item->seen[index >> 3] & bit) {
        mine->doubled++;
        return;
    }
    item->seen[index >> 3] |= bit;
    mine->last_delivery_ns = mine->last_progress_ns = now;
    mine->delivered++;
    last = atomic_load(&item->last_ns);
    while (last < now && !atomic_compare_exchange_weak(&item->last_ns, &last, now))
        continue;
    if (shared->latency_limit) {
        place = atomic_fetch_add(&shared->latency_count, 1);
        if (place < shared->latency_limit)
            latencies[place] = (uint32_t)((now - atomic_load(&item->posted_ns)) / 100);
    }
    if (atomic_fetch_add(&item->reached, 1) + 1 == atomic_load(&shared->joined)) {
        pthread_mutex_lock(&shared->mutex);
        atomic_store(&item->everywhere, 1);
        pthread_cond_signal(&shared->everywhere);
        pthread_mutex_unlock(&shared->mutex);
    }
}

static void part(struct reader *reader, const char *why)
{
    if (reader->state != JOINED)
        die("a reader was cut before it had joined: %s", why);
    epoll_ctl(poller, EPOLL_CTL_DEL, reader->fd, NULL);
    reader->state = GONE;
    mine->lost++;
    complain("a reader was cut: %s", why);
}

static void enter(struct reader *reader)
{
    reader->state = JOINED;
    reader->first = atomic_load(&shared->issued);
    entered++;
    atomic_fetch_add(&shared->joined, 1);
    mine->last_progress_ns = now_ns();
}

static void take_data(struct reader *reader, const unsigned char *data, size_t size, uint64_t now)
{
    const unsigned char *at = data, *end = data + size;

    mine->frames++;
    mine->frame_bytes += size;
    if (reader->state == WELCOMING && memmem(data, size, options.welcome, options.welcome_size)) {
        enter(reader);
        return;
    }
    reader->latest_in_frame = NOTHING;
    while ((at = memmem(at, (size_t)(end - at), marker, marker_size))) {
        int number = 0;

        at += marker_size;
        for (int i = 0; i < 6 && at < end && isdigit(*at); i++)
            number = number * 10 + (*at++ - '0');
        hit(reader, number, now);
    }
}

/* RFC 6455, 5.2; servers do not mask. Returns the bytes of whole frames. */
static size_t take_frames(struct reader *reader, const unsigned char *data, size_t size, uint64_t now)
{
    size_t at = 0;

    while (size - at >= 2 && reader->state != GONE) {
        const unsigned char *frame = data + at;
        uint64_t length = frame[1] & 127;
        size_t header = length == 126 ? 4 : length == 127 ? 10 : 2;

        if (size - at < header)
            break;
        if (header > 2) {
            length = 0;
            for (size_t i = 2; i < header; i++)
                length = length << 8 | frame[i];
        }
        if (length > FRAME_LIMIT)
            die("a frame of %llu bytes", (unsigned long long)length);
        if (size - at < header + length)
            break;
        switch (frame[0] & 15) {
        case 0:
        case 1:
        case 2:
            take_data(reader, frame + header, length, now);
            break;
        case 8: {
            char why[64];

            snprintf(why, sizeof why, "close code %d", length >= 2 ? frame[header] << 8 | frame[header + 1] : 1005);
            part(reader, why);
            break;
        }
        case 9: {
            static const unsigned char pong[] = {0x8a, 0x80, 0, 0, 0, 0};

            if (send(reader->fd, pong, sizeof pong, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
                part(reader, strerror(errno));
            break;
        }
        default:
            break;
        }
        at += header + length;
    }
    return at;
}

static size_t masked_frame(unsigned char *to, const unsigned char *from, size_t size)
{
    size_t header = size < 126 ? 6 : 8; /* a mask of zeros leaves the bytes as they are */

    memset(to, 0, header);
    to[0] = 0x82;
    to[1] = (unsigned char)(0x80 | (size < 126 ? size : 126));
    if (size >= 126) {
        to[2] = (unsigned char)(size >> 8);
        to[3] = (unsigned char)size;
    }
    memcpy(to + header, from, size);
    return header + size;
}

static void greet(int fd)
{
    unsigned char frame[sizeof options.hello + 8];
    size_t size = masked_frame(frame, options.hello, options.hello_size);

    if (options.hello_size && send(fd, frame, size, MSG_NOSIGNAL) != (ssize_t)size)
        die("a greeting was not taken");
}

static size_t take_answer(struct reader *reader, const unsigned char *data, size_t size)
{
    const unsigned char *end = memmem(data, size, "\r\n\r\n", 4);

    if (!end)
        return 0;
    if (size < 12 || memcmp(data + 8, " 101", 4))
        die("a reader was refused: %.*s", (int)(size < 200 ? size : 200), (const char *)data);
    greet(reader->fd);
    if (options.welcome_size)
        reader->state = WELCOMING;
    else
        enter(reader);
    return (size_t)(end - data) + 4;
}

/* Takes what is there, and returns whether there may be more. */
static int take(struct reader *reader)
{
    static unsigned char *buffer;
    static size_t room;
    size_t have = reader->kept_size, used = 0;
    ssize_t got;

    if (room < have + READ_SIZE) {
        room = have + READ_SIZE;
        buffer = realloc(buffer, room);
        if (!buffer)
            die("out of memory");
    }
    got = recv(reader->fd, buffer + have, READ_SIZE, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return errno == EINTR;
    if (got <= 0) {
        part(reader, got ? strerror(errno) : "end of stream");
        return 0;
    }
    if (have)
        memcpy(buffer, reader->kept, have);
    have += (size_t)got;
    if (reader->state == SHAKING)
        used = take_answer(reader, buffer, have);
    if (reader->state != SHAKING)
        used += take_frames(reader, buffer + used, have - used, now_ns());
    if (have > used || reader->kept) {
        free(reader->kept);
        reader->kept = NULL;
        reader->kept_size = have - used;
        if (reader->kept_size) {
            reader->kept = allocate(reader->kept_size, 1);
            memcpy(reader->kept, buffer + used, reader->kept_size);
        }
    }
    return got == READ_SIZE && reader->state != GONE;
}

/* ---- readers: the way in ---- */

static struct sockaddr_in local(int last, int port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)last),
    };
}

/* The sample key of RFC 6455 makes the right answer a fixed text, so that the floor needs no SHA-1. */
static int write_handshake(char *to, size_t room)
{
    int named = options.subprotocol[0] != '\0';

    return snprintf(to, room,
                    "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s%s%s\r\n",
                    options.path, options.port, named ? "Sec-WebSocket-Protocol: " : "", options.subprotocol,
                    named ? "\r\n" : "");
}

static int make_socket(int index, int flags)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    const int on = 1;

    if (fd < 0)
        die("socket: %s", strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (index >= READERS_PER_ADDRESS) {
        struct sockaddr_in from = local(index / READERS_PER_ADDRESS, 0);

        /* The port is chosen at connect, where it may be shared with another address. */
        setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
        if (bind(fd, (struct sockaddr *)&from, sizeof from) < 0)
            die("bind: %s", strerror(errno));
    }
    return fd;
}

static void dial(void)
{
    struct sockaddr_in where = local(0, options.port);
    struct reader *reader = &readers[opened];
    struct epoll_event wish = {.events = EPOLLOUT, .data.u32 = (uint32_t)opened};

    *reader = (struct reader){.fd = make_socket((int)first_reader + opened, SOCK_NONBLOCK), .state = CONNECTING};
    opened++;
    if (connect(reader->fd, (struct sockaddr *)&where, sizeof where) < 0 && errno != EINPROGRESS)
        die("connect: %s", strerror(errno));
    if (epoll_ctl(poller, EPOLL_CTL_ADD, reader->fd, &wish) < 0)
        die("epoll_ctl: %s", strerror(errno));
}

static void ask(struct reader *reader)
{
    /* Edge-triggered: otherwise the kernel looks at each reader a second time, after it was read. */
    struct epoll_event wish = {.events = EPOLLIN | EPOLLET, .data.u32 = (uint32_t)(reader - readers)};
    char request[1024];
    int size = write_handshake(request, sizeof request), error = 0;
    socklen_t error_size = sizeof error;

    getsockopt(reader->fd, SOL_SOCKET, SO_ERROR, &error, &error_size);
    if (error)
        die("a reader could not connect: %s", strerror(error));
    if (send(reader->fd, request, (size_t)size, MSG_NOSIGNAL) != size)
        die("a handshake was not taken: %s", strerror(errno));
    reader->state = SHAKING;
    epoll_ctl(poller, EPOLL_CTL_MOD, reader->fd, &wish);
}

static void turn(int timeout_ms)
{
    struct epoll_event events[EVENTS_PER_WAIT];
    int count = epoll_wait(poller, events, EVENTS_PER_WAIT, timeout_ms);

    for (int i = 0; i < count; i++) {
        struct reader *reader = &readers[events[i].data.u32];

        if (reader->state == CONNECTING)
            ask(reader);
        else if (reader->state != GONE)
            while (take(reader))
                continue;
    }
    if (!crowd && atomic_load(&shared->died))
        die("%s", shared->fault);
}

static int out_of_patience(void)
{
    if ((double)((int64_t)now_ns() - (int64_t)sum().last_progress_ns) / NS < options.patience)
        return 0;
    complain("nothing came for %g seconds", options.patience);
    return 1;
}

/* Opens what this process has to have, some at a time. */
static void dial_some(void)
{
    while (opened < atomic_load(&shared->wanted[crowd]) && opened - entered < HANDSHAKES_IN_FLIGHT / crowds)
        dial();
}

static void join(int count)
{
    int wanted = atomic_load(&shared->joined) + count;

    for (int i = 0; i < crowds; i++)
        atomic_fetch_add(&shared->wanted[i], count / crowds + (i < count % crowds));
    while (atomic_load(&shared->joined) < wanted) {
        dial_some();
        turn(LOOK_MS);
        if (out_of_patience())
            die("%d of %d readers joined, then nothing happened", atomic_load(&shared->joined), wanted);
    }
}

static void rest_for(int ms)
{
    uint64_t end = now_ns() + (uint64_t)ms * 1000000u, now;

    while ((now = now_ns()) < end)
        turn((int)((end - now) / 1000000u) + 1);
}

/* ---- readers that never read ---- */

static void stick(int count)
{
    struct sockaddr_in where = local(0, options.port);
    const int small = STUCK_BUFFER;
    char request[1024];
    int size = write_handshake(request, sizeof request);

    while (count--) {
        int fd = make_socket(opened + stuck_count, 0);
        unsigned char last[4] = {0};

        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        if (connect(fd, (struct sockaddr *)&where, sizeof where) < 0 || send(fd, request, (size_t)size, 0) != size)
            die("a reader that will not read could not connect: %s", strerror(errno));
        /* Byte by byte, so that nothing behind the answer is read. */
        while (memcmp(last, "\r\n\r\n", 4)) {
            memmove(last, last + 1, 3);
            if (recv(fd, last + 3, 1, 0) != 1)
                die("a reader that will not read was refused");
        }
        greet(fd);
        stuck[stuck_count++] = fd;
    }
}

static void hang_up(int fd)
{
    /* Reset instead of FIN: thousands of sockets in TIME_WAIT would weigh on the next round. */
    struct linger now = {.l_onoff = 1};

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

static int count_cut(void)
{
    int cut = 0;

    for (int i = 0; i < stuck_count; i++) {
        struct pollfd look = {.fd = stuck[i]};

        poll(&look, 1, 0);
        cut += (look.revents & (POLLHUP | POLLERR)) != 0;
    }
    return cut;
}

/* ---- publishers ---- */

struct publisher {
    pthread_t thread;
    int fd, index, count;
    double gap;             /* seconds; 0: as fast as they are taken */
    uint32_t *took;         /* from the first byte to the answer, in units of 100 ns */
    int posted, refused;
    uint64_t ended_ns;
    char buffer[8192];
};

static pthread_barrier_t start;
static _Atomic uint64_t first_post_ns;
static _Atomic int running;

static void send_all(int fd, const void *data, size_t size)
{
    const char *at = data;

    while (size) {
        ssize_t sent = send(fd, at, size, MSG_NOSIGNAL);

        if (sent <= 0)
            die("a publisher was cut: %s", strerror(errno));
        at += sent;
        size -= (size_t)sent;
    }
}

/* Words of its own for each number, so that no guard against repeated text stops it. */
static char *fill(char *at, char *end, uint64_t *seed)
{
    while (at < end) {
        int letters = 3 + (int)(*seed >> 40) % 7;

        for (*at++ = ' '; letters-- && at < end; at++) {
            *seed = *seed * 6364136223846793005u + 1442695040888963407u;
            *at = (char)('a' + (*seed >> 33) % 26);
        }
    }
    if (end[-1] == ' ')
        end[-1] = '.';
    return end;
}

/* A JSON object of exactly `body_bytes`. */
static void write_body(char *to, unsigned number)
{
    static const char opening[] = "{\"headline\": \"", more[] = "\", \"attribution\": \"Wire", closing[] = "\"}";
    uint64_t seed = (number + 1) * 0x9e3779b97f4a7c15u;
    int room = options.body_bytes - (int)(sizeof opening + sizeof closing - 2);
    int source = 0;
    char *at = stpcpy(to, opening);
    char *headline = at;

    if (room > LONGEST_HEADLINE) {
        source = room - LONGEST_HEADLINE - (int)(sizeof more - 1);
        if (source < 16)
            source = 16;
        room -= source + (int)(sizeof more - 1);
    }
    at += sprintf(at, "%s%06u", marker, number);
    at = fill(at, headline + room, &seed);
    if (source) {
        at = stpcpy(at, more);
        at = fill(at, at + source, &seed);
    }
    strcpy(at, closing);
}

static size_t write_request(char *to, size_t space, unsigned number, enum protocol protocol)
{
    int size = options.body_bytes, head = 0;

    if (protocol == HTTP) {
        head = snprintf(to, space,
                        "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
                        "Content-Length: %d\r\n%s\r\n",
                        options.post_path, options.post_port, size, options.post_headers);
    } else if (protocol == NATS) {
        head = snprintf(to, space, "PUB %s %d\r\n", options.post_path, size);
    } else {
        size_t topic = strlen(options.post_path), rest = 2 + topic + (size_t)size;

        to[head++] = 0x30;  /* PUBLISH, QoS 0 */
        for (; rest >= 128; rest >>= 7)
            to[head++] = (char)(rest | 128);
        to[head++] = (char)rest;
        to[head++] = (char)(topic >> 8);
        to[head++] = (char)topic;
        memcpy(to + head, options.post_path, topic);
        head += (int)topic;
    }
    write_body(to + head, number);
    if (protocol == NATS)
        strcpy(to + head + size++, "\r\n"), size++;
    return (size_t)(head + size);
}

/* Reads one whole answer; its status. */
static int read_answer(struct publisher *self)
{
    size_t have = 0;

    for (;;) {
        ssize_t got = recv(self->fd, self->buffer + have, sizeof self->buffer - 1 - have, 0);
        const char *end, *length;

        if (got <= 0)
            die("a publisher was cut: %s", got ? strerror(errno) : "end of stream");
        have += (size_t)got;
        self->buffer[have] = '\0';
        end = strstr(self->buffer, "\r\n\r\n");
        if (end) {
            length = strcasestr(self->buffer, "\r\ncontent-length:");
            if (length && length < end) {
                if (have >= (size_t)(end + 4 - self->buffer) + strtoul(length + 17, NULL, 10))
                    return atoi(self->buffer + 9);
            } else if (!strcmp(self->buffer + have - 5, "0\r\n\r\n")) {
                return atoi(self->buffer + 9); /* in chunks, of which the last is empty */
            }
        }
        if (have == sizeof self->buffer - 1)
            die("an answer to a POST is too long");
    }
}

static void expect(struct publisher *self, const char *wanted, size_t size)
{
    size_t have = 0;

    while (!memmem(self->buffer, have, wanted, size)) {
        ssize_t got = recv(self->fd, self->buffer + have, sizeof self->buffer - have, 0);

        if (got <= 0)
            die("a publisher was not let in");
        have += (size_t)got;
    }
}

static void introduce(struct publisher *self)
{
    struct sockaddr_in where = local(0, options.post_port);

    self->fd = make_socket(0, 0);
    if (connect(self->fd, (struct sockaddr *)&where, sizeof where) < 0)
        die("a publisher could not connect: %s", strerror(errno));
    if (options.protocol == NATS) {
        static const char hello[] = "CONNECT {\"verbose\":false,\"pedantic\":false}\r\nPING\r\n";

        send_all(self->fd, hello, sizeof hello - 1);
        expect(self, "PONG\r\n", 6);
    } else if (options.protocol == MQTT) {
        /* CONNECT: protocol level 4, clean session, no keep-alive, no name of our own. */
        static const char hello[] = "\x10\x0c\x00\x04MQTT\x04\x02\x00\x00\x00\x00";

        send_all(self->fd, hello, sizeof hello - 1);
        expect(self, "\x20\x02\x00\x00", 4);
    }
}

/* What was sent without an answer must have been read before the line is closed. */
static void take_leave(struct publisher *self)
{
    if (options.protocol == NATS) {
        send_all(self->fd, "PING\r\n", 6);
        expect(self, "PONG\r\n", 6);
    } else if (options.protocol == MQTT) {
        send_all(self->fd, "\xc0\x00", 2);
        expect(self, "\xd0\x00", 2);
    }
    close(self->fd);
}

static void publish(struct publisher *self)
{
    unsigned number = atomic_fetch_add(&shared->issued, 1);
    char request[4096];
    size_t size = write_request(request, sizeof request, number, options.protocol);
    uint64_t began = now_ns(), none = 0;

    atomic_store(&items[number].posted_ns, began);
    atomic_compare_exchange_strong(&first_post_ns, &none, began);
    send_all(self->fd, request, size);
    if (options.protocol == HTTP) {
        int status = read_answer(self);

        if (status < 200 || status > 299) {
            self->refused++;
            atomic_store(&items[number].everywhere, 1);
            complain("a POST was refused: %.200s", self->buffer);
        }
    }
    self->took[self->posted++] = (uint32_t)((now_ns() - began) / 100);
}

/* The one who publishes at a pace waits for all readers, so that a slow server is not measured in its own queue. */
static void wait_until_everywhere(struct item *item)
{
    pthread_mutex_lock(&shared->mutex);
    while (!atomic_load(&item->everywhere) && atomic_load(&shared->joined) && !atomic_load(&given_up)) {
        struct timespec until;

        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec++;
        pthread_cond_timedwait(&shared->everywhere, &shared->mutex, &until);
    }
    pthread_mutex_unlock(&shared->mutex);
}

static void sleep_until(uint64_t moment)
{
    struct timespec until = {.tv_sec = (time_t)(moment / 1000000000u), .tv_nsec = (long)(moment % 1000000000u)};

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        continue;
}

static void *work(void *argument)
{
    struct publisher *self = argument;
    uint64_t planned;

    if (options.nice && setpriority(PRIO_PROCESS, 0, 0) < 0)
        die("--nice needs the right to take it back: %s", strerror(errno));
    introduce(self);
    pthread_barrier_wait(&start);
    planned = now_ns();
    for (int i = 0; i < self->count && !atomic_load(&given_up); i++) {
        sleep_until(planned);
        publish(self);
        if (self->gap > 0) {
            uint64_t pause = (uint64_t)(self->gap * NS), after;

            wait_until_everywhere(&items[atomic_load(&shared->issued) - 1]);
            after = now_ns() + pause / 5; /* some rest for those who need longer than the gap */
            planned += pause;
            if (planned < after)
                planned = after;
        }
    }
    self->ended_ns = now_ns();
    take_leave(self);
    atomic_fetch_sub(&running, 1);
    return NULL;
}

/* ---- figures ---- */

static int by_size(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

    return (a > b) - (a < b);
}

static double at_percent(const uint32_t *ordered, size_t count, size_t percent)
{
    size_t place = count * percent / 100;

    return ordered[place < count ? place : count - 1] / 1e4;
}

/* p50, p99 and the greatest, in milliseconds. */
static void print_times(const char *name, uint32_t *times, size_t count)
{
    if (!count)
        return;
    qsort(times, count, sizeof *times, by_size);
    printf(", \"%s_p50_ms\": %.4f, \"%s_p99_ms\": %.4f, \"%s_max_ms\": %.4f", name, at_percent(times, count, 50), name,
           at_percent(times, count, 99), name, at_percent(times, count, 100));
}

static void publish_all(int publishers, int each, double gap)
{
    struct publisher *all = allocate((size_t)publishers, sizeof *all);
    size_t posts = (size_t)publishers * (size_t)each, posted = 0, last_count = 0;
    uint32_t *took = allocate(posts, sizeof *took), *last = allocate(posts, sizeof *last);
    unsigned from = atomic_load(&shared->issued);
    int refused = 0, joined = atomic_load(&shared->joined);
    uint64_t expected, ended = 0;
    struct tally total;

    shared->latency_limit = gap > 0 ? posts * (size_t)joined : 0;
    atomic_store(&first_post_ns, 0);
    atomic_store(&given_up, 0);
    atomic_store(&running, publishers);
    pthread_barrier_init(&start, NULL, (unsigned)publishers);
    for (int i = 0; i < publishers; i++) {
        all[i].index = i;
        all[i].count = each;
        all[i].gap = gap;
        all[i].took = took + (size_t)i * (size_t)each;
        if (pthread_create(&all[i].thread, NULL, work, &all[i]))
            die("a publisher could not be started");
    }
    while (atomic_load(&running)) {
        turn(LOOK_MS);
        if (joined && out_of_patience())
            atomic_store(&given_up, 1);
    }
    for (int i = 0; i < publishers; i++) {
        pthread_join(all[i].thread, NULL);
        memmove(took + posted, all[i].took, (size_t)all[i].posted * sizeof *took);
        posted += (size_t)all[i].posted;
        refused += all[i].refused;
        if (all[i].ended_ns > ended)
            ended = all[i].ended_ns;
    }
    pthread_barrier_destroy(&start);
    expected = (uint64_t)(posted - (size_t)refused) * (uint64_t)joined;
    while (sum().delivered < expected && !out_of_patience())
        turn(LOOK_MS);

    total = sum();
    for (unsigned number = from; number < atomic_load(&shared->issued); number++)
        if (items[number].last_ns)
            last[last_count++] = (uint32_t)((items[number].last_ns - items[number].posted_ns) / 100);
    printf(", \"posted\": %zu, \"refused\": %d, \"post_seconds\": %.6f, \"expected\": %llu", posted, refused,
           (double)(ended - atomic_load(&first_post_ns)) / NS, (unsigned long long)expected);
    if (total.last_delivery_ns)
        printf(", \"delivery_seconds\": %.6f", (double)(total.last_delivery_ns - atomic_load(&first_post_ns)) / NS);
    print_times("post", took, posted);
    print_times("last_reader", last, last_count);
    if (shared->latency_limit)
        print_times("latency", latencies, atomic_load(&shared->latency_count));
    shared->latency_limit = 0;
    if (total.delivered != expected)
        complain("%llu of %llu deliveries", (unsigned long long)total.delivered, (unsigned long long)expected);
    free(took);
    free(last);
    free(all);
}

static void take_step(const char *what)
{
    struct spent before, store_before, after, store_after;
    uint64_t began, pss;
    struct timespec own, own_began;
    int first = 0, second = 0;
    double number = 0;
    struct tally total;

    memset(shared->tallies, 0, sizeof shared->tallies);
    atomic_store(&shared->latency_count, 0);
    shared->fault[0] = '\0';
    before = spent_by(options.pids, options.pid_count);
    store_before = spent_by(options.store_pids, options.store_pid_count);
    pss = pss_bytes();
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own_began);
    began = mine->last_progress_ns = now_ns();

    printf("{\"step\": \"%s\"", what);
    if (sscanf(what, "join:%d", &first) == 1)
        join(first);
    else if (sscanf(what, "stick:%d", &first) == 1)
        stick(first);
    else if (!strcmp(what, "unstick"))
        while (stuck_count)
            hang_up(stuck[--stuck_count]);
    else if (sscanf(what, "rest:%lf", &number) == 1)
        rest_for((int)(number * 1000));
    else if (sscanf(what, "paced:%d:%lf", &first, &number) == 2)
        publish_all(1, first, number > 0 ? number : 0.001);
    else if (sscanf(what, "burst:%d:%d", &first, &second) == 2)
        publish_all(first, second, 0);

    printf(", \"seconds\": %.6f", (double)(now_ns() - began) / NS);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own);
    printf(", \"load_cpu_ns\": %.0f",
           (double)(own.tv_sec - own_began.tv_sec) * NS + (double)(own.tv_nsec - own_began.tv_nsec));
    after = spent_by(options.pids, options.pid_count);
    store_after = spent_by(options.store_pids, options.store_pid_count);
    printf(", \"cpu_ns\": %llu, \"waited_ns\": %llu, \"store_cpu_ns\": %llu",
           (unsigned long long)(after.ran - before.ran), (unsigned long long)(after.waited - before.waited),
           (unsigned long long)(store_after.ran - store_before.ran));
    if (first)
        rest_for(GRACE_MS);
    total = sum();
    if (total.doubled)
        complain("%llu items came twice", (unsigned long long)total.doubled);
    printf(", \"pss_before\": %llu, \"pss_after\": %llu", (unsigned long long)pss, (unsigned long long)pss_bytes());
    printf(", \"readers\": %d, \"stuck\": %d, \"stuck_cut\": %d, \"delivered\": %llu, \"doubled\": %llu",
           atomic_load(&shared->joined), stuck_count, count_cut(), (unsigned long long)total.delivered,
           (unsigned long long)total.doubled);
    printf(", \"lost\": %d, \"frames\": %llu, \"frame_bytes\": %llu, \"fault\": ", total.lost,
           (unsigned long long)total.frames, (unsigned long long)total.frame_bytes);
    print_text(shared->fault);
    printf("}\n");
    fflush(stdout);
    any_fault |= shared->fault[0] != '\0';
}

/* ---- options ---- */

static size_t from_hex(const char *text, unsigned char *to, size_t room)
{
    size_t size = strlen(text) / 2;

    if (size > room)
        die("--hello or --welcome is too long");
    for (size_t i = 0; i < size; i++) {
        unsigned value;

        if (sscanf(text + 2 * i, "%2x", &value) != 1)
            die("--hello and --welcome are hexadecimal");
        to[i] = (unsigned char)value;
    }
    return size;
}

static int read_pids(char *text, int *to)
{
    int count = 0;

    for (char *one = strtok(text, ","); one && count < MOST_PIDS; one = strtok(NULL, ","))
        to[count++] = atoi(one);
    return count;
}

static void read_options(int argc, char **argv)
{
    static const struct option known[] = {
        {"port", required_argument, NULL, 'p'},      {"path", required_argument, NULL, 'u'},
        {"post-port", required_argument, NULL, 'P'}, {"post-path", required_argument, NULL, 'w'},
        {"header", required_argument, NULL, 'H'},    {"protocol", required_argument, NULL, 'm'},
        {"subprotocol", required_argument, NULL, 's'}, {"hello", required_argument, NULL, 'h'},
        {"welcome", required_argument, NULL, 'c'},   {"body", required_argument, NULL, 'b'},
        {"pids", required_argument, NULL, 'i'},      {"store-pids", required_argument, NULL, 'I'},
        {"patience", required_argument, NULL, 't'},  {"nice", required_argument, NULL, 'n'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (option) {
        case 'p': options.port = atoi(optarg); break;
        case 'u': options.path = optarg; break;
        case 'P': options.post_port = atoi(optarg); break;
        case 'w': options.post_path = optarg; break;
        case 'H':
            if (strlen(options.post_headers) + strlen(optarg) + 3 > sizeof options.post_headers)
                die("--header is too long");
            strcat(strcat(options.post_headers, optarg), "\r\n");
            break;
        case 'm': options.protocol = !strcmp(optarg, "nats") ? NATS : !strcmp(optarg, "mqtt") ? MQTT : HTTP; break;
        case 's': options.subprotocol = optarg; break;
        case 'h': options.hello_size = from_hex(optarg, options.hello, sizeof options.hello); break;
        case 'c': options.welcome_size = from_hex(optarg, options.welcome, sizeof options.welcome); break;
        case 'b': options.body_bytes = atoi(optarg); break;
        case 'i': options.pid_count = read_pids(optarg, options.pids); break;
        case 'I': options.store_pid_count = read_pids(optarg, options.store_pids); break;
        case 't': options.patience = atof(optarg); break;
        case 'n':
            /* Only this thread, which reads; publishers inherit it and take it back. */
            options.nice = atoi(optarg);
            if (setpriority(PRIO_PROCESS, 0, options.nice) < 0)
                die("setpriority: %s", strerror(errno));
            break;
        default: exit(2);
        }
    }
    if (!options.post_port)
        options.post_port = options.port;
    if (options.body_bytes < SMALLEST_BODY || options.body_bytes > LARGEST_BODY)
        die("a body has %d to %d bytes", SMALLEST_BODY, LARGEST_BODY);
}

/* The room that all steps together will need. */
static void plan(char **steps, int count)
{
    size_t bits, most_latencies = 0;
    unsigned char *seen;
    struct rlimit limit;

    for (int i = 0; i < count; i++) {
        int first = 0, second = 0;
        double gap;

        if (sscanf(steps[i], "join:%d", &first) == 1)
            reader_limit += first;
        else if (sscanf(steps[i], "stick:%d", &first) == 1)
            stuck_limit += first;
        else if (sscanf(steps[i], "paced:%d:%lf", &first, &gap) == 2) {
            item_limit += (unsigned)first;
            if (most_latencies < (size_t)first * (size_t)reader_limit)
                most_latencies = (size_t)first * (size_t)reader_limit;
        } else if (sscanf(steps[i], "burst:%d:%d", &first, &second) == 2 && first <= MOST_PUBLISHERS)
            item_limit += (unsigned)(first * second);
        else if (strncmp(steps[i], "rest:", 5) && strcmp(steps[i], "unstick"))
            die("no such step: %s", steps[i]);
        if (first < 0 || second < 0)
            die("a step counts down: %s", steps[i]);
    }
    if (item_limit > 999999)
        die("more items than six digits can number");
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur <= OTHER_DESCRIPTORS)
        die("at least %d descriptors are needed", OTHER_DESCRIPTORS);
    crowds = 1 + reader_limit / (int)(limit.rlim_cur - OTHER_DESCRIPTORS);
    if (crowds > MOST_CROWDS)
        die("too many readers for the limit of descriptors");
    /* A multiple of eight, so that no two processes write to one byte of what was seen. */
    reader_limit = (reader_limit / crowds + 8) / 8 * 8;
    bits = (size_t)reader_limit * (size_t)crowds / 8;
    readers = allocate((size_t)reader_limit, sizeof *readers);
    stuck = allocate((size_t)stuck_limit, sizeof *stuck);
    items = share(item_limit * sizeof *items);
    seen = share(item_limit * bits);
    latencies = share(most_latencies * sizeof *latencies);
    for (unsigned number = 0; number < item_limit; number++)
        items[number].seen = seen + number * bits;
}

static void hang_up_all(void)
{
    for (int i = 0; i < opened; i++)
        hang_up(readers[i].fd);
}

/* The other processes only have readers; the first one has all else. */
static void spread(void)
{
    for (int i = 1; i < crowds; i++) {
        pid_t child = fork();

        if (child < 0)
            die("fork: %s", strerror(errno));
        if (!child) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            crowd = i;
            break;
        }
    }
    mine = &shared->tallies[crowd];
    first_reader = (unsigned)(crowd * reader_limit);
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0)
        die("epoll_create1: %s", strerror(errno));
    while (crowd) {
        dial_some();
        turn(LOOK_MS);
        if (atomic_load(&shared->quit)) {
            hang_up_all();
            _exit(0);
        }
    }
}

static void make_shared(void)
{
    pthread_mutexattr_t mutex_kind;
    pthread_condattr_t condition_kind;

    shared = share(sizeof *shared);
    pthread_mutexattr_init(&mutex_kind);
    pthread_mutexattr_setpshared(&mutex_kind, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&shared->mutex, &mutex_kind);
    pthread_condattr_init(&condition_kind);
    pthread_condattr_setpshared(&condition_kind, PTHREAD_PROCESS_SHARED);
    pthread_cond_init(&shared->everywhere, &condition_kind);
}

int main(int argc, char **argv)
{
    struct timespec seed;

    make_shared();
    read_options(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    clock_gettime(CLOCK_REALTIME, &seed);
    marker_size = (size_t)snprintf(marker, sizeof marker, "m%08x item ", (unsigned)(seed.tv_nsec ^ seed.tv_sec << 10));
    plan(argv + optind, argc - optind);
    spread();
    for (int i = optind; i < argc; i++) {
        take_step(argv[i]);
        if (any_fault)
            break;          /* what would come now was measured on a broken crowd */
    }
    atomic_store(&shared->quit, 1);
    hang_up_all();
    while (stuck_count)
        hang_up(stuck[--stuck_count]);
    while (wait(NULL) > 0)
        continue;
    return any_fault;
}
