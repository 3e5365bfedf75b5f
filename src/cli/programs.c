/* programs.c - the daemons are found relative to /proc/self/exe, never by
 * PATH: a foreign program of that name must not get our keys. */
#include <config.h>

#include "cli/programs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum qr_rc program_find(const char *name, char *out, struct qr_err *err)
{
    static const char *const places[] = {"", "../sbin/"};
    char dir[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", dir, sizeof dir - 1);
    if (n <= 0) return qr_fail(err, QR_IO, "cannot find the directory of this program");
    while (n > 0 && dir[n] != '/') n--;
    dir[n] = 0;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        int len = snprintf(out, PATH_MAX, "%s/%s%s", dir, places[i], name);
        if (len > 0 && len < PATH_MAX && access(out, X_OK) == 0) return QR_OK;
    }
    return qr_fail(err, QR_NOTFOUND, "%s is not installed beside quorate", name);
}

enum qr_rc program_init(const char *name, const char *state_dir, struct qr_err *err)
{
    char path[PATH_MAX];
    QR_TRY(program_find(name, path, err));
    pid_t pid = fork();
    if (pid < 0) return qr_fail(err, QR_IO, "fork: %s", strerror(errno));
    if (pid == 0) {
        char *argv[] = {path, (char *)"--init", NULL};
        int null = open("/dev/null", O_RDWR);
        if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0) _exit(71);
        if (setenv("QUORATE_STATE_DIR", state_dir, 1) != 0) _exit(71);
        (void)unsetenv("QUORATE_TRUST_DIR");
        (void)unsetenv("TEE_POLICY_HASH");
        (void)execv(path, argv);
        _exit(72);
    }
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) return qr_fail(err, QR_IO, "waitpid: %s", strerror(errno));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return QR_OK;
    return qr_fail(err, QR_IO, "%s --init failed (its reason stands above)", name);
}
