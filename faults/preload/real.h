/* The functions that this library stands before. */

#ifndef REAL_H
#define REAL_H

#include <dlfcn.h>

/* The next definition of a function after this library's own: the C library's, or that of whatever
 * else was preloaded. Looked up once per function and file; two threads that do it at once find the same. */
#define REAL(name)                                                            \
    (__extension__({                                                          \
        static __typeof__(&name) real;                                        \
        if (!real)                                                            \
            real = (__typeof__(&name))dlsym(RTLD_NEXT, #name);                \
        real;                                                                 \
    }))

#endif
