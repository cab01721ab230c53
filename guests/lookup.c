/* SPDX-License-Identifier: Apache-2.0 */
/* Finding things in the table of embedded guests, which the build generates (guests/embed). */
#include "guests/embedded.h"

#include <string.h>

const struct embedded_guest *embedded_guest_find(const char *name)
{
	const struct embedded_guest *guest;

	for (guest = embedded_guests; guest->name; guest++) {
		if (!strcmp(guest->name, name))
			return guest;
	}
	return NULL;
}

bool embedded_guest_needs(const struct embedded_guest *guest, const char *need)
{
	size_t len = strlen(need);
	const char *word = guest->needs;

	while (*word) {
		size_t word_len = strcspn(word, ",");

		if (word_len == len && !memcmp(word, need, len))
			return true;
		word += word_len;
		word += *word == ',';
	}
	return false;
}
