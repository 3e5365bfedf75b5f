/* find_secrets.c - where secrets lie: find-secrets LIST PID|FILE ...
 *
 * LIST has lines `name hex`.  Prints a line `name place` for each place that
 * holds one, raw or as hex; a place that cannot be read: `unreadable place`.  A
 * place in a process is PID@FROM, the mapping's first address in hex. */
#include <config.h>

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST = 512, SIZE = 32, CHUNK = 1 << 20 };

static struct {
    char name[32];
    char hex[2 * SIZE + 1];
    uint8_t raw[SIZE];
    int found;
} secrets[MOST];
static size_t count;

static int digit(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

static void read_list(const char *path)
{
    FILE *f = fopen(path, "r");
    if (!f) exit(2);
    while (count < MOST && fscanf(f, "%31s %64s", secrets[count].name, secrets[count].hex) == 2) {
        for (int i = 0; i < SIZE; i++)
            secrets[count].raw[i] = (uint8_t)(digit(secrets[count].hex[2 * i]) << 4 |
                                              digit(secrets[count].hex[2 * i + 1]));
        count++;
    }
    (void)fclose(f);
}

static int has(const uint8_t *p, size_t n, const void *what, size_t len)
{
    const uint8_t *end = p + n;
    while ((size_t)(end - p) >= len) {
        const uint8_t *q = memchr(p, *(const uint8_t *)what, (size_t)(end - p) - len + 1);
        if (!q) return 0;
        if (memcmp(q, what, len) == 0) return 1;
        p = q + 1;
    }
    return 0;
}

static void look(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < count; i++)
        if (!secrets[i].found && (has(p, n, secrets[i].raw, SIZE) ||
                                  has(p, n, secrets[i].hex, sizeof secrets[i].hex - 1)))
            secrets[i].found = 1;
}

/* Chunks overlap, so that nothing hides between two. */
static long walk(int fd, uint64_t from, uint64_t to)
{
    static uint8_t chunk[CHUNK];
    long got = 0;
    while (from < to) {
        size_t want = to - from < CHUNK ? (size_t)(to - from) : CHUNK;
        ssize_t n = pread(fd, chunk, want, (off_t)from);
        if (n <= 0) break;
        look(chunk, (size_t)n);
        got += n;
        if ((size_t)n < want || want < CHUNK) break;
        from += CHUNK - 2 * SIZE;
    }
    return got;
}

static void report(const char *place)
{
    for (size_t k = 0; k < count; k++)
        if (secrets[k].found) printf("%s %s\n", secrets[k].name, place);
    for (size_t k = 0; k < count; k++) secrets[k].found = 0;
}

static long walk_process(const char *pid)
{
    char path[64], line[512], place[64];
    (void)snprintf(path, sizeof path, "/proc/%s/mem", pid);
    int fd = open(path, O_RDONLY);
    (void)snprintf(path, sizeof path, "/proc/%s/maps", pid);
    FILE *maps = fopen(path, "r");
    long got = 0;
    unsigned long from, to;
    char mode;
    while (fd >= 0 && maps && fgets(line, sizeof line, maps)) {
        if (sscanf(line, "%lx-%lx %c", &from, &to, &mode) != 3 || mode != 'r' ||
            strstr(line, "[vvar") || strstr(line, "[vsyscall"))
            continue;
        got += walk(fd, from, to);
        (void)snprintf(place, sizeof place, "%s@%lx", pid, from);
        report(place);
    }
    if (maps) (void)fclose(maps);
    if (fd >= 0) (void)close(fd);
    return got;
}

int main(int argc, char **argv)
{
    if (argc < 3) return 2;
    read_list(argv[1]);
    for (int i = 2; i < argc; i++) {
        int process = strspn(argv[i], "0123456789") == strlen(argv[i]);
        int fd = process ? -1 : open(argv[i], O_RDONLY);
        long got = process ? walk_process(argv[i]) : fd < 0 ? 0 : walk(fd, 0, UINT64_MAX / 2);
        if (fd >= 0) (void)close(fd);
        if ((process && got == 0) || (!process && fd < 0)) printf("unreadable %s\n", argv[i]);
        report(argv[i]);
    }
    return 0;
}
