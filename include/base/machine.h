/* What the machine lets the process use. */
#ifndef WSKEEP_BASE_MACHINE_H
#define WSKEEP_BASE_MACHINE_H

#include <stdint.h>

/* Raises the soft limit of descriptors to the hard one. The connections that it allows, up to
 * `wanted`: a session takes two descriptors. What is less than wanted is logged. */
uint64_t machine_connections(uint64_t wanted);
/* The CPUs there are, or what the cgroup gives of them (cpu.max: quota and period in µs). */
unsigned machine_cpus(void);

#endif
