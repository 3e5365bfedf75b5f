/* kernel.c - the system's own calls. */
#include "attest/kernel.h"

#ifdef __x86_64__
#include <cpuid.h>
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int sys_open(void *ctx, const char *path, int flags)
{
    (void)ctx;
    int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW);
    return fd < 0 ? -errno : fd;
}

static void sys_close(void *ctx, int fd)
{
    (void)ctx;
    (void)close(fd);
}

static int sys_ioctl(void *ctx, int fd, unsigned long request, void *arg)
{
    (void)ctx;
    return ioctl(fd, request, arg) < 0 ? -errno : 0;
}

static int64_t sys_read(void *ctx, int fd, void *out, size_t n)
{
    (void)ctx;
    ssize_t got = read(fd, out, n);
    return got < 0 ? -errno : got;
}

static int64_t sys_write(void *ctx, int fd, const void *p, size_t n)
{
    (void)ctx;
    ssize_t put = write(fd, p, n);
    return put < 0 ? -errno : put;
}

static int sys_mkdir(void *ctx, const char *path, unsigned mode)
{
    (void)ctx;
    return mkdir(path, mode) < 0 ? -errno : 0;
}

static int sys_rmdir(void *ctx, const char *path)
{
    (void)ctx;
    return rmdir(path) < 0 ? -errno : 0;
}

static int sys_list(void *ctx, const char *path, void (*each)(void *each_ctx, const char *name),
                    void *each_ctx)
{
    (void)ctx;
    DIR *d = opendir(path);
    if (!d) return -errno;
    for (const struct dirent *e = readdir(d); e; e = readdir(d))
        if (e->d_name[0] != '.') each(each_ctx, e->d_name);
    (void)closedir(d);
    return 0;
}

static int64_t sys_pid(void *ctx)
{
    (void)ctx;
    return getpid();
}

static bool sys_alive(void *ctx, int64_t pid)
{
    (void)ctx;
    return kill((pid_t)pid, 0) == 0 || errno != ESRCH;
}

static void sys_pause(void *ctx, int64_t us)
{
    (void)ctx;
    struct timespec t = {(time_t)(us / 1000000), (long)(us % 1000000) * 1000};
    (void)nanosleep(&t, NULL);
}

static void sys_cpuid(void *ctx, uint32_t leaf, uint32_t out[4])
{
    (void)ctx;
    qr_zero(out, 4 * sizeof *out);
#ifdef __x86_64__
    __cpuid_count(leaf, 0, out[0], out[1], out[2], out[3]);
#else
    (void)leaf;
#endif
}

struct attest_kernel attest_kernel_system(void)
{
    return (struct attest_kernel){.open = sys_open,
                                  .close = sys_close,
                                  .ioctl = sys_ioctl,
                                  .read = sys_read,
                                  .write = sys_write,
                                  .mkdir = sys_mkdir,
                                  .rmdir = sys_rmdir,
                                  .list = sys_list,
                                  .pid = sys_pid,
                                  .alive = sys_alive,
                                  .pause = sys_pause,
                                  .cpuid = sys_cpuid,
                                  .ctx = NULL};
}
