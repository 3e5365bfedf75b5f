/* netproxy.c - a bad network between a client and a server: bytes of TCP, below
 * TLS.
 *
 * netproxy PORT: relays 127.0.0.1, a port that it prints, to 127.0.0.1:PORT
 * until its standard input ends.  For every connection it prints "open", for
 * every one that a move ends "cut".  Moves (moves.h), read anew for each chunk:
 *   refuse      new connections are closed
 *   hold        nothing passes; what comes waits
 *   delay=MS    every chunk is that late
 *   cut-up=N cut-down=N  a connection ends before its Nth byte to the server,
 *               to the client
 *   half        the server hears no more of a connection, and it stays open
 *   twice swap lose flip  the next chunks to the server: each one twice, with
 *               the one after it first, not at all, with a bit changed
 *   twice-down swap-down lose-down flip-down  the same to the client
 *   replay      what the client said on a connection that is over is said again
 *               on another one
 * Tests only. */
#include "tests/adversary/moves.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_PAIRS 200
#define CHUNK 16384
#define MAX_SAID (1 << 20)

struct chunk {
    struct chunk *next;
    int64_t due_ms;
    size_t n, sent;
    unsigned char b[CHUNK];
};

/* One direction. */
struct way {
    int from, to;
    bool down;
    uint64_t passed;
    struct chunk *first, **last;
    struct chunk *kept; /* waits for the next one */
    bool over;
};

struct pair {
    bool used;
    struct way way[2];
    unsigned char *said;
    size_t said_n;
};

static struct pair pairs[MAX_PAIRS];
static struct sockaddr_in server;

static int64_t now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void quit(const char *what)
{
    perror(what);
    exit(1);
}

static int dial(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0) quit("socket");
    if (connect(fd, (struct sockaddr *)&server, sizeof server) != 0) {
        (void)close(fd);
        return -1;
    }
    if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0) quit("fcntl");
    return fd;
}

static void way_open(struct way *w, int from, int to, bool down)
{
    *w = (struct way){.from = from, .to = to, .down = down};
    w->last = &w->first;
}

static void pair_open(int client)
{
    int fd = move_played("refuse") ? -1 : dial();
    struct pair *p = NULL;
    for (size_t i = 0; i < MAX_PAIRS && !p; i++)
        if (!pairs[i].used) p = &pairs[i];
    if (fd < 0 || !p) {
        (void)close(client);
        if (fd >= 0) (void)close(fd);
        return;
    }
    if (fcntl(client, F_SETFL, O_NONBLOCK) != 0) quit("fcntl");
    *p = (struct pair){.used = true};
    way_open(&p->way[0], client, fd, false);
    way_open(&p->way[1], fd, client, true);
    (void)puts("open");
}

/* Says it all again, and does not listen. */
static void replay(const struct pair *p)
{
    int fd = dial();
    if (fd < 0) return;
    (void)fcntl(fd, F_SETFL, 0);
    (void)!write(fd, p->said, p->said_n);
    (void)shutdown(fd, SHUT_WR);
    unsigned char b[CHUNK];
    while (read(fd, b, sizeof b) > 0) {
    }
    (void)close(fd);
    (void)puts("replayed");
}

static void pair_close(struct pair *p)
{
    (void)close(p->way[0].from);
    (void)close(p->way[1].from);
    for (int i = 0; i < 2; i++) {
        while (p->way[i].first) {
            struct chunk *c = p->way[i].first;
            p->way[i].first = c->next;
            free(c);
        }
        free(p->way[i].kept);
    }
    p->used = false;
    if (p->said_n > 0 && move_played("replay")) replay(p);
    free(p->said);
    p->said = NULL;
}

static void note(struct pair *p, const struct chunk *c)
{
    if (!p->said) p->said = malloc(MAX_SAID);
    if (!p->said) quit("malloc");
    size_t n = c->n < MAX_SAID - p->said_n ? c->n : MAX_SAID - p->said_n;
    memcpy(p->said + p->said_n, c->b, n);
    p->said_n += n;
}

static void put(struct way *w, struct chunk *c)
{
    *w->last = c;
    w->last = &c->next;
}

static struct chunk *copy_of(const struct chunk *c)
{
    struct chunk *d = malloc(sizeof *d);
    if (!d) quit("malloc");
    *d = *c;
    return d;
}

static bool plays(const struct way *w, const char *name)
{
    char full[32];
    (void)snprintf(full, sizeof full, "%s%s", name, w->down ? "-down" : "");
    return move_played(full);
}

static void bend(struct way *w, struct chunk *c)
{
    if (plays(w, "lose")) {
        free(c);
        return;
    }
    if (plays(w, "flip")) c->b[c->n / 2] ^= 1;
    if (plays(w, "swap") && !w->kept) {
        w->kept = c;
        return;
    }
    put(w, c);
    if (plays(w, "twice")) put(w, copy_of(c));
    if (w->kept) put(w, w->kept);
    w->kept = NULL;
}

/* False: the connection is over. */
static bool take(struct pair *p, struct way *w)
{
    struct chunk *c = calloc(1, sizeof *c);
    if (!c) quit("calloc");
    ssize_t n = read(w->from, c->b, sizeof c->b);
    if (n <= 0) {
        free(c);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) return true;
        w->over = true;
        return n == 0;
    }
    c->n = (size_t)n;
    const char *v = move_value("delay");
    c->due_ms = now_ms() + (v ? strtol(v, NULL, 10) : 0);
    if (!w->down) note(p, c);
    v = move_value(w->down ? "cut-down" : "cut-up");
    w->passed += c->n;
    if (v && w->passed >= strtoull(v, NULL, 10)) {
        free(c);
        (void)puts("cut");
        return false;
    }
    bend(w, c);
    return true;
}

static bool give(struct way *w)
{
    while (w->first && w->first->due_ms <= now_ms() && !move_played("hold")) {
        struct chunk *c = w->first;
        ssize_t n = write(w->to, c->b + c->sent, c->n - c->sent);
        if (n < 0) return errno == EAGAIN || errno == EINTR;
        c->sent += (size_t)n;
        if (c->sent < c->n) return true;
        w->first = c->next;
        if (!w->first) w->last = &w->first;
        free(c);
    }
    if (w->over && !w->first) {
        (void)shutdown(w->to, SHUT_WR);
        w->over = false;
        w->from = -w->from - 2; /* read no more */
    }
    return true;
}

static bool is_reading(const struct way *w) { return w->from >= 0 && !w->over; }
static bool is_deaf(const struct way *w) { return !w->down && move_played("half"); }

static bool pair_step(struct pair *p, const struct pollfd *f)
{
    for (int i = 0; i < 2; i++) {
        struct way *w = &p->way[i];
        if (is_reading(w) && !is_deaf(w) && (f[i].revents & (POLLIN | POLLHUP | POLLERR)) &&
            !take(p, w))
            return false;
        if (!give(w)) return false;
    }
    return p->way[0].from >= 0 || p->way[1].from >= 0;
}

static void pair_end(struct pair *p)
{
    for (int i = 0; i < 2; i++)
        if (p->way[i].from < 0) p->way[i].from = -p->way[i].from - 2;
    pair_close(p);
}

static int listen_here(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 64) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &n) != 0)
        quit("listen");
    (void)printf("%d\n", ntohs(a.sin_port));
    return fd;
}

int main(int argc, char **argv)
{
    if (argc != 2) return 2;
    (void)signal(SIGPIPE, SIG_IGN);
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    server = (struct sockaddr_in){.sin_family = AF_INET,
                                  .sin_addr = {htonl(INADDR_LOOPBACK)},
                                  .sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10))};
    int listener = listen_here();
    for (;;) {
        struct pollfd f[2 + 2 * MAX_PAIRS];
        f[0] = (struct pollfd){.fd = 0, .events = POLLIN};
        f[1] = (struct pollfd){.fd = listener, .events = POLLIN};
        for (size_t i = 0; i < MAX_PAIRS; i++)
            for (size_t k = 0; k < 2; k++) {
                const struct way *w = &pairs[i].way[k];
                f[2 + 2 * i + k] = (struct pollfd){
                    .fd = pairs[i].used && is_reading(w) && !is_deaf(w) ? w->from : -1,
                    .events = POLLIN};
            }
        (void)poll(f, 2 + 2 * MAX_PAIRS, 10);
        char c[16];
        if (f[0].revents && read(0, c, sizeof c) <= 0) return 0;
        if (f[1].revents) {
            int client = accept(listener, NULL, NULL);
            if (client >= 0) pair_open(client);
        }
        for (size_t i = 0; i < MAX_PAIRS; i++)
            if (pairs[i].used && !pair_step(&pairs[i], &f[2 + 2 * i])) pair_end(&pairs[i]);
    }
}
