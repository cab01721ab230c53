/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main() of a fuzz target that is built without libFuzzer: gives it every file of its corpus, and
 * every beginning of each file.
 *
 *   fuzz_NAME [FILE...]    without files: $srcdir/tests/fuzz/corpus/fuzz_NAME
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LARGEST_FILE (1 << 20)

/* The target sees memory that ends where the input ends, so that valgrind finds reads beyond it. */
static void give(const uint8_t *bytes, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy) {
		perror("malloc");
		exit(1);
	}
	memcpy(copy, bytes, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static void replay(const char *path)
{
	static uint8_t bytes[LARGEST_FILE];
	FILE *file = fopen(path, "rb");
	size_t size;

	if (!file) {
		perror(path);
		exit(1);
	}
	size = fread(bytes, 1, sizeof(bytes), file);
	if (ferror(file) || size == sizeof(bytes)) {
		fprintf(stderr, "%s: cannot be read, or is too large\n", path);
		exit(1);
	}
	fclose(file);
	give(bytes, size);
	for (size_t i = 0; i < size; i += 1 + i / 16)
		give(bytes, i);
}

static unsigned replay_folder(const char *folder)
{
	DIR *entries = opendir(folder);
	unsigned count = 0;

	if (!entries || chdir(folder)) {
		perror(folder);
		exit(1);
	}
	for (struct dirent *entry = readdir(entries); entry; entry = readdir(entries)) {
		if (entry->d_name[0] == '.')
			continue;
		replay(entry->d_name);
		count++;
	}
	closedir(entries);
	return count;
}

int main(int argc, char **argv)
{
	const char *srcdir = getenv("srcdir");
	const char *slash = strrchr(argv[0], '/');
	char folder[4096];
	unsigned count = (unsigned)argc - 1;

	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	if (argc == 1) {
		snprintf(folder, sizeof(folder), "%s/tests/fuzz/corpus/%s", srcdir ? srcdir : ".",
			 slash ? slash + 1 : argv[0]);
		count = replay_folder(folder);
	}
	printf("%u inputs\n", count);
	return count ? 0 : 1;
}
