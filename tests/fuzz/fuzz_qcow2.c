/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: qcow2 images. The input is the file, all of it: what is not refused is read from its beginning to
 * its end, over borders of clusters and again, when tables and what was unpacked are kept.
 *
 * Beside the sanitizers: a read gives no more bytes than were asked for and than the disk has, writes none
 * behind them, and says the same when it is repeated.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "dev/backend/qcow2.h"
#include "tests/fuzz/fuzz_image.h"

/* At most so many bytes are asked for at a time, in two pieces, of a disk that may be as large as it likes. */
#define ASKED 3072u
#define FIRST 1000u
#define READS 40u
#define GUARD 64u
#define EMPTY 0x5a

static int file_of(const uint8_t *data, size_t size)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	if (fd < 0 || (size && pwrite(fd, data, size, 0) != (ssize_t)size)) {
		perror("memfd_create");
		exit(1);
	}
	return fd;
}

/* What a read at @offset gives. @bytes has ASKED + GUARD. */
static int64_t read_at(struct qcow2 *image, uint64_t offset, uint8_t *bytes)
{
	const struct iovec iov[] = { { bytes, FIRST }, { bytes + FIRST, ASKED - FIRST } };
	uint64_t size = qcow2_size(image);
	int64_t got;

	memset(bytes, EMPTY, ASKED + GUARD);
	got = qcow2_read(image, iov, 2, offset);
	if (got > (int64_t)ASKED || (got > 0 && (uint64_t)got > size - offset))
		fuzz_breach("more bytes than there are, or than were asked for");
	if (!got && offset < size)
		fuzz_breach("an end within the disk");
	if (got < 0 && got != -EIO && got != -EINVAL && got != -ENOMEM)
		fuzz_breach("an errno that is not documented");
	for (size_t i = ASKED; i < ASKED + GUARD; i++) {
		if (bytes[i] != EMPTY)
			fuzz_breach("a byte behind what was asked for is written");
	}
	return got;
}

static void read_twice(struct qcow2 *image, uint64_t offset)
{
	static uint8_t once[ASKED + GUARD], again[ASKED + GUARD];
	int64_t got = read_at(image, offset, once);

	if (read_at(image, offset, again) != got ||
	    (got > 0 && memcmp(once, again, (size_t)got) != 0))
		fuzz_breach("the same read gives something else");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = file_of(data, size);
	AxError err = AX_ERROR_INIT;
	struct qcow2 *image = NULL;
	int ret = qcow2_open(fd, "image", &image, &err);

	if (ret && ret != -ENOEXEC && ret != -ENOTSUP && ret != -ENOMEM)
		fuzz_breach("an errno that is not documented");
	if (ret && !err.message[0])
		fuzz_breach("a refusal without a message");
	if (!ret) {
		uint64_t bytes = qcow2_size(image), step = bytes / READS;

		for (unsigned i = 0; i < READS; i++)
			read_twice(image, step > ASKED ? i * step : (uint64_t)i * ASKED / 2);
		read_twice(image, bytes ? bytes - 1 : 0);
		read_twice(image, bytes);
	}
	qcow2_free(image);
	close(fd);
	return 0;
}
