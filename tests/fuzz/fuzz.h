/* fuzz.h - one fuzz target: a function that any bytes may be given to.
 *
 * fuzz_NAME.c defines it.  ./dev fuzz links it with libFuzzer; make check links
 * it with replay.c, which feeds the seeds and simple mutations of them.  A
 * target asserts what must hold of every input, so it finds more than crashes. */
#ifndef QUORATE_TESTS_FUZZ_H
#define QUORATE_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Returns 0; data has size bytes and nothing behind them. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
