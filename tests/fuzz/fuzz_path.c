/* fuzz_path.c - what readers ask for over HTTP: targets, paths of tiles, and the
 * two headers that choose what is sent.  A tile's path has one spelling, and
 * every one of them is a plain target; no plain target climbs. */
#include "fuzz.h"

#include "http/pack.h"
#include "tlog/tlog.h"

#include <assert.h>
#include <string.h>

static void plain(struct qr_bytes target)
{
    assert(target.n > 1 && target.p[0] == '/');
    for (size_t i = 0; i < target.n; i++) {
        uint8_t c = target.p[i];
        assert(c > ' ' && c < 0x7f && c != '%' && c != '?' && c != '#' && c != '\\');
        if (c != '/') continue;
        struct qr_bytes rest = QR_BYTES(target.p + i + 1, target.n - i - 1);
        size_t n = 0;
        while (n < rest.n && rest.p[n] != '/') n++;
        assert(n > 0 && !qr_bytes_is(QR_BYTES(rest.p, n), ".") &&
               !qr_bytes_is(QR_BYTES(rest.p, n), ".."));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct qr_bytes in = {data, size};
    struct tlog_resource r;
    if (http_plain_target(in)) plain(in);
    if (tlog_resource_parse((struct tlog_bytes){data, size}, &r) == TLOG_OK) {
        char path[TLOG_RESOURCE_PATH_MAX + 1] = "/";
        tlog_resource_path(&r, path + 1);
        assert(r.width >= 1 && r.width <= 256 && r.level <= 63);
        assert(qr_bytes_is(in, path + 1) && http_plain_target(qr_str(path)));
    }
    bool gzip = http_accepts_gzip(in);
    assert(!gzip || size >= 4);
    assert(!http_etag_in(in, "\"never-there\"") || size > 0);
    return 0;
}
