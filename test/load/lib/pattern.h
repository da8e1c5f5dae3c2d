/* The bytes that payloads and bodies are made of: any stretch of them tells where it was cut from.
 */
#ifndef LOAD_LIB_PATTERN_H
#define LOAD_LIB_PATTERN_H

#include <stddef.h>
#include <stdint.h>

/* They repeat after so many; a prime, so that blocks of the usual sizes that changed places never
 * look alike. */
#define PATTERN_PERIOD 65521u

void pattern_init(void);
/* The bytes from position `at` on: *n of them, or fewer where the period ends. */
const uint8_t *pattern_at(uint64_t at, size_t *n);

#endif
