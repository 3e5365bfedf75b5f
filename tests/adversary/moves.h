/* moves.h - the script of an adversary program.
 *
 * An adversary is one of the real programs, linked with the objects of the
 * product and --wrap for the functions at which it cheats, so that all that is
 * not a move is as an honest program does it.  MOVES in the environment lists
 * the moves it makes: `name` or `name=value`, with spaces between.  MOVES_FILE
 * names a file that holds the list instead and may change while the program
 * runs (renamed into place).  Without either it is honest.  Tests only. */
#ifndef QUORATE_TESTS_MOVES_H
#define QUORATE_TESTS_MOVES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Value of a move that is played, "" for one without; NULL: not played.  A
 * static buffer of the calling thread, good until its next call. */
const char *move_value(const char *name);
/* The same in a list that is given (NULL: none). */
const char *move_value_in(const char *moves, const char *name);
bool move_played(const char *name);
/* The n bytes that a move's value gives in hex, if it is played; anything else
 * ends the program. */
void move_bytes(const char *name, uint8_t *out, size_t n);
/* The same move, but only at its nth call (1 is the first) in this process. */
bool move_played_at(const char *name, unsigned nth, unsigned *calls);

#endif
