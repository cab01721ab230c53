/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcheck notes the place of every check that holds, so that it can say after which one a test crashed.
 * Each note is a message in a file: most of the time of a test with loops, and nearly all of it under
 * valgrind. Here the first of a test are noted, and then one of many. The linker's --wrap leads to this
 * (CHECK_TEST_LIBS in local.mk).
 */
#include <stdatomic.h>

#define NOTED 500

void __real__mark_point(const char *file, int line);
void __wrap__mark_point(const char *file, int line);

void __wrap__mark_point(const char *file, int line)
{
	/* Of this process, which is a test's own. */
	static atomic_uint checks;
	unsigned number = atomic_fetch_add_explicit(&checks, 1, memory_order_relaxed);

	if (number < NOTED || number % NOTED == 0)
		__real__mark_point(file, line);
}
