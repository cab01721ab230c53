/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tiny guests of the build's architecture, as bytes inside the program that links libguests.la.
 * Everything that is known about each is the row in guests/ARCH/guests.list, where the columns are
 * described; the build turns it into this table. Not part of the library: nothing is exported.
 */
#ifndef AXVMM_GUESTS_EMBEDDED_H
#define AXVMM_GUESTS_EMBEDDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct embedded_guest {
	const char *name;
	const char *description;
	const unsigned char *image;
	size_t size;	  /* of the image, in bytes */
	const char *mode; /* "real", "multiboot", ...: the list's words */
	bool flat;	  /* has a load address, which is its entry */
	uint64_t load;	  /* guest-physical; 0 unless flat */
	uint64_t memory;  /* RAM from the architecture's base, in bytes */
	unsigned int cpus;
	const char *irqchip; /* "none", "user", "kernel", "split" */
	const char *end;     /* "code", "assertion", "reset", ...: without its number */
	uint32_t end_value;  /* the number: exit code, line; 0 without one */
	const char *needs;   /* separated by commas, "" for none */
};

/* All of them in the list's order, the demonstration guest first; the last element's name is NULL.
 * Static storage, never written. */
extern const struct embedded_guest embedded_guests[];

/**
 * Find a guest by its name.
 *
 * @param name  NUL-terminated
 * @return an element of embedded_guests, or NULL when there is none of that name
 *
 * Thread: any.
 */
const struct embedded_guest *embedded_guest_find(const char *name);

/**
 * Whether `need` is one of the words in the guest's `needs`.
 *
 * Thread: any.
 */
bool embedded_guest_needs(const struct embedded_guest *guest, const char *need);

#endif /* AXVMM_GUESTS_EMBEDDED_H */
