/* env.h - takes variables out of the environment of this process, so that no
 * library obeys what nobody meant for it.  Before any thread is made. */
#ifndef QUORATE_BASE_ENV_H
#define QUORATE_BASE_ENV_H

/* Removes the variable; a name that ends in '*' stands for all that begin with
 * what is before it. */
void qr_env_remove(const char *name);

#endif
