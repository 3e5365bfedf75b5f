/* fuzz_note.c - signed notes, verifier keys, checkpoints: what a parser hands
 * out lies inside its input, and a key is spelled again as it was. */
#include "fuzz.h"

#include "tlog/tlog.h"

#include <assert.h>
#include <string.h>

static void inside(struct tlog_bytes part, const uint8_t *data, size_t size)
{
    if (part.n == 0) return;
    assert(part.p >= data && part.n <= size && part.p - data <= (ptrdiff_t)(size - part.n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tlog_bytes in = {data, size};
    struct tlog_note note;
    struct tlog_vkey key;
    struct tlog_checkpoint cp;
    if (tlog_note_parse(in, &note) == TLOG_OK) {
        assert(note.sigs <= TLOG_NOTE_SIGS_MAX);
        inside(note.text, data, size);
        for (size_t i = 0; i < note.sigs; i++) {
            inside(note.sig[i].name, data, size);
            inside(note.sig[i].base64, data, size);
        }
        if (tlog_checkpoint_parse(note.text, &cp) == TLOG_OK) inside(cp.origin, data, size);
    }
    if (tlog_checkpoint_parse(in, &cp) == TLOG_OK) {
        inside(cp.origin, data, size);
        inside(cp.extensions, data, size);
    }
    if (tlog_vkey_parse(in, &key) == TLOG_OK) {
        char text[TLOG_VKEY_MAX];
        tlog_vkey_format(&key, text);
        assert(strlen(text) == size && memcmp(text, data, size) == 0);
    }
    return 0;
}
