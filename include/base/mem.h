/* The heap, where running out ends the process: at that point nothing that a proxy could do is
 * worth its complexity. */
#ifndef WSKEEP_BASE_MEM_H
#define WSKEEP_BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t n) __attribute__((malloc));
void *mem_zalloc(size_t n) __attribute__((malloc));
void *mem_realloc(void *p, size_t n);
void *mem_dup(const void *p, size_t n) __attribute__((malloc));
char *mem_strdup(const char *s) __attribute__((malloc));
_Noreturn void mem_exhausted(void); /* what they do; for those who map memory themselves */

#endif
