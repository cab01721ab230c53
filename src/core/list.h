/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing array, for what a VM has a few of. All zero is an empty one; entries move when it grows
 * or shrinks. Its user keeps it to one thread at a time.
 */
#ifndef AXVMM_CORE_LIST_H
#define AXVMM_CORE_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct list {
	size_t count;
	size_t capacity;
	void *entries; /* of one type, which its user knows */
};

/* Make room for one more entry of @size bytes, which the user counts; false: there is no memory. */
static inline bool list_reserve(struct list *list, size_t size)
{
	size_t capacity = 2 * list->capacity + 4;
	void *entries;

	if (list->count < list->capacity)
		return true;
	entries = realloc(list->entries, capacity * size);
	if (!entries)
		return false;
	list->entries = entries;
	list->capacity = capacity;
	return true;
}

/* Take @entry of @size bytes out. */
static inline void list_remove(struct list *list, void *entry, size_t size)
{
	char *from = (char *)entry + size, *end = (char *)list->entries + list->count * size;

	memmove(entry, from, (size_t)(end - from));
	list->count--;
}

static inline void list_free(struct list *list)
{
	free(list->entries);
	*list = (struct list){ 0 };
}

#endif
