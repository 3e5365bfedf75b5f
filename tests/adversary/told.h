/* told.h - what an evil participant holds secret, told to a test: the file that
 * the move secrets=FILE names gets lines `name hex`.  Tests only. */
#ifndef QUORATE_TESTS_TOLD_H
#define QUORATE_TESTS_TOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Leaves no copy of the n bytes in memory, nor of their hex. */
void tell_secret(const char *what, const uint8_t *p, size_t n);
/* What this thread draws from now on is the DKG's, or not. */
void tell_drawn(bool on);

#endif
