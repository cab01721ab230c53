/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qcow2 images: the header, the tables, and where a guest's byte is. See qcow2.h. The image is
 * untrusted: every offset that it holds is used with pread(2) alone, and every length is bounded here.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "boot/image.h"
#include "dev/backend/qcow2_image.h"

#define CLUSTER_BITS_MIN 9u
#define CLUSTER_BITS_MAX 21u
#define L1_SIZE_MAX	 (32u << 20) /* bytes, as QEMU's */
#define SIZE_MAX_BITS	 62

/* Offsets in the header; all fields are big endian. */
#define HEADER_VERSION	    4
#define HEADER_BACKING	    8
#define HEADER_CLUSTER_BITS 20
#define HEADER_SIZE	    24
#define HEADER_CRYPT	    32
#define HEADER_L1_SIZE	    36
#define HEADER_L1_OFFSET    40
#define HEADER_INCOMPATIBLE 72
#define HEADER_LENGTH	    100
#define HEADER_COMPRESSION  104
#define HEADER_BYTES_V2	    72u
#define HEADER_BYTES	    112u

#define INCOMPATIBLE_DIRTY	 (1ull << 0) /* of reference counts, which are not read */
#define INCOMPATIBLE_CORRUPT	 (1ull << 1)
#define INCOMPATIBLE_DATA_FILE	 (1ull << 2)
#define INCOMPATIBLE_COMPRESSION (1ull << 3)
#define INCOMPATIBLE_EXTENDED_L2 (1ull << 4)

#define ENTRY_OFFSET	 0x00fffffffffffe00ull
#define ENTRY_COMPRESSED (1ull << 62)
#define ENTRY_ZERO	 (1ull << 0)

static uint32_t get_u32(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return be32toh(value);
}

static uint64_t get_u64(const uint8_t *bytes)
{
	uint64_t value;

	memcpy(&value, bytes, sizeof(value));
	return be64toh(value);
}

static int refuse(const char *name, const char *what, AxError *err)
{
	return boot_error(err, AX_ERROR_FILE, 0, -ENOTSUP, name,
			  "is a qcow2 image with %s, which is not read here: "
			  "qemu-img convert -O raw it",
			  what);
}

/* A guest that could write to its raw disk may have named any file of the host's: nothing opens it here,
 * and nobody is told to have it opened. */
static int refuse_other_file(const char *name, const char *what, AxError *err)
{
	return boot_error(
		err, AX_ERROR_FILE, 0, -ENOTSUP, name,
		"is a qcow2 image with %s, which is not read here: qemu-img convert -O raw it "
		"if you made it; if a guest did, ask for the format raw",
		what);
}

static int damaged(const char *name, const char *what, AxError *err)
{
	return boot_error(err, AX_ERROR_FILE, 0, -ENOEXEC, name, "is a damaged qcow2 image: %s",
			  what);
}

static int check_features(const uint8_t *header, const char *name, AxError *err)
{
	uint64_t incompatible = get_u64(header + HEADER_INCOMPATIBLE);

	if (incompatible & INCOMPATIBLE_CORRUPT)
		return damaged(name, "it is marked as corrupt (qemu-img check)", err);
	if (incompatible & INCOMPATIBLE_DATA_FILE)
		return refuse_other_file(name, "an external data file", err);
	if (incompatible & INCOMPATIBLE_EXTENDED_L2)
		return refuse(name, "extended L2 entries", err);
	if ((incompatible & INCOMPATIBLE_COMPRESSION) && header[HEADER_COMPRESSION])
		return refuse(name, "zstd compression", err);
	if (incompatible & ~(INCOMPATIBLE_DIRTY | INCOMPATIBLE_COMPRESSION))
		return refuse(name, "features of a newer QEMU", err);
	return 0;
}

static int parse_header(struct qcow2 *image, const uint8_t *header, const char *name, AxError *err)
{
	uint32_t version = get_u32(header + HEADER_VERSION);
	uint64_t per_table;
	int ret;

	if (version != 2 && version != 3)
		return refuse(name, "a version other than 2 and 3", err);
	if (get_u64(header + HEADER_BACKING))
		return refuse_other_file(name, "a backing file", err);
	if (get_u32(header + HEADER_CRYPT))
		return refuse(name, "encryption", err);
	image->has_zero_flag = version == 3;
	ret = version == 3 ? check_features(header, name, err) : 0;
	if (ret)
		return ret;
	image->cluster_bits = get_u32(header + HEADER_CLUSTER_BITS);
	if (image->cluster_bits < CLUSTER_BITS_MIN || image->cluster_bits > CLUSTER_BITS_MAX)
		return damaged(name, "clusters of an impossible size", err);
	image->size = get_u64(header + HEADER_SIZE);
	image->l1_count = get_u32(header + HEADER_L1_SIZE);
	image->l1_offset = get_u64(header + HEADER_L1_OFFSET);
	if (image->size >> SIZE_MAX_BITS)
		return damaged(name, "it is too large", err);
	/* Bytes of the disk that an L2 table is for: an entry, of 8 bytes, for each cluster. */
	per_table = 1ull << (2 * image->cluster_bits - 3);
	if (image->l1_count > L1_SIZE_MAX / 8 ||
	    image->l1_count < (image->size + per_table - 1) / per_table)
		return damaged(name, "its L1 table has an impossible size", err);
	if (image->l1_offset > INT64_MAX - L1_SIZE_MAX)
		return damaged(name, "its L1 table is at an impossible place", err);
	return 0;
}

/* All of @len bytes at @offset, which lie within the file: 0 or a negative errno. */
static int read_all(int fd, void *buffer, size_t len, uint64_t offset)
{
	char *at = buffer;

	while (len) {
		ssize_t got = pread(fd, at, len, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : -EIO;
		at += got;
		len -= (size_t)got;
		offset += (uint64_t)got;
	}
	return 0;
}

static int read_tables(struct qcow2 *image, const char *name, AxError *err)
{
	size_t bytes = (size_t)image->l1_count * 8;
	int ret;

	image->l1 = malloc(bytes ? bytes : 1);
	image->tables = malloc((size_t)QCOW2_TABLES << image->cluster_bits);
	image->cluster = malloc((size_t)1 << image->cluster_bits);
	image->packed = malloc((size_t)2 << image->cluster_bits);
	if (!image->l1 || !image->tables || !image->cluster || !image->packed)
		return boot_error(err, AX_ERROR_RESOURCE, 0, -ENOMEM, name,
				  "no memory for its tables");
	ret = read_all(image->fd, image->l1, bytes, image->l1_offset);
	if (ret == -EIO)
		return damaged(name, "its L1 table can't be read", err);
	if (ret)
		return boot_error(err, AX_ERROR_FILE, -ret, -EIO, name, "cannot read it: %s",
				  strerror(-ret));
	return 0;
}

int qcow2_open(int fd, const char *name, struct qcow2 **out, AxError *err)
{
	uint8_t header[HEADER_BYTES] = { 0 };
	struct qcow2 *image;
	ssize_t got = pread(fd, header, sizeof(header), 0);
	int ret;

	if (got < (ssize_t)HEADER_BYTES_V2 || memcmp(header, QCOW2_MAGIC, 4) != 0)
		return damaged(name, "it ends in its header", err);
	image = calloc(1, sizeof(*image));
	if (!image)
		return boot_error(err, AX_ERROR_RESOURCE, 0, -ENOMEM, name, "no memory for it");
	image->fd = fd;
	pthread_mutex_init(&image->mutex, NULL);
	ret = parse_header(image, header, name, err);
	if (!ret)
		ret = read_tables(image, name, err);
	if (ret) {
		qcow2_free(image);
		return ret;
	}
	*out = image;
	return 0;
}

void qcow2_free(struct qcow2 *image)
{
	if (!image)
		return;
	qcow2_inflate_close(image);
	pthread_mutex_destroy(&image->mutex);
	free(image->packed);
	free(image->cluster);
	free(image->tables);
	free(image->l1);
	free(image);
}

uint64_t qcow2_size(const struct qcow2 *image)
{
	return image->size;
}

/* The L2 table at @offset, from a few that are kept. The mutex is held. */
static int get_table(struct qcow2 *image, uint64_t offset, const uint8_t **table)
{
	unsigned slot = (unsigned)(offset >> image->cluster_bits) % QCOW2_TABLES;
	uint8_t *bytes = image->tables + ((size_t)slot << image->cluster_bits);
	int ret;

	if (image->table_offsets[slot] != offset) {
		image->table_offsets[slot] = 0;
		ret = read_all(image->fd, bytes, (size_t)1 << image->cluster_bits, offset);
		if (ret)
			return ret;
		image->table_offsets[slot] = offset;
	}
	*table = bytes;
	return 0;
}

/* The L2 entry of the cluster that @offset lies in; 0: it isn't there. The mutex is held. */
static int get_entry(struct qcow2 *image, uint64_t offset, uint64_t *entry)
{
	unsigned table_bits = image->cluster_bits - 3;
	uint64_t cluster = offset >> image->cluster_bits;
	uint64_t at = be64toh(image->l1[cluster >> table_bits]) & ENTRY_OFFSET;
	const uint8_t *table;
	int ret;

	*entry = 0;
	if (!at)
		return 0;
	if (at & ((1ull << image->cluster_bits) - 1))
		return -EIO;
	ret = get_table(image, at, &table);
	if (!ret)
		*entry = get_u64(table + 8 * (cluster & ((1ull << table_bits) - 1)));
	return ret;
}

/* The first @len bytes of the buffers from @skip on; at most as many pieces as there is room for. */
static unsigned slice(const struct iovec *iov, unsigned count, uint64_t skip, uint64_t *len,
		      struct iovec *out, unsigned max)
{
	uint64_t left = *len;
	unsigned used = 0;

	for (unsigned i = 0; i < count && left && used < max; i++) {
		uint64_t part;

		if (skip >= iov[i].iov_len) {
			skip -= iov[i].iov_len;
			continue;
		}
		part = iov[i].iov_len - skip;
		if (part > left)
			part = left;
		out[used++] = (struct iovec){ (char *)iov[i].iov_base + skip, (size_t)part };
		left -= part;
		skip = 0;
	}
	*len -= left;
	return used;
}

/* Copy @from, or zeroes, from byte @at of the pieces on. */
static void fill(const struct iovec *iov, unsigned count, uint64_t at, const uint8_t *from)
{
	for (unsigned i = 0; i < count; i++) {
		size_t skip = at < iov[i].iov_len ? (size_t)at : iov[i].iov_len;
		size_t len = iov[i].iov_len - skip;

		at -= skip;
		if (from) {
			memcpy((char *)iov[i].iov_base + skip, from, len);
			from += len;
		} else {
			memset((char *)iov[i].iov_base + skip, 0, len);
		}
	}
}

/* A cluster's own bytes; what the file lacks of its last one is zero. */
static int read_plain(struct qcow2 *image, const struct iovec *iov, unsigned count, uint64_t at)
{
	ssize_t got = preadv(image->fd, iov, (int)count, (off_t)at);

	if (got < 0)
		return -errno;
	fill(iov, count, (uint64_t)got, NULL);
	return 0;
}

static int read_cluster(struct qcow2 *image, const struct iovec *iov, unsigned count,
			uint64_t offset)
{
	uint64_t within = offset & ((1ull << image->cluster_bits) - 1);
	uint64_t entry;
	int ret;

	pthread_mutex_lock(&image->mutex);
	ret = get_entry(image, offset, &entry);
	if (!ret && (entry & ENTRY_COMPRESSED)) {
		ret = qcow2_inflate(image, entry & (ENTRY_COMPRESSED - 1));
		if (!ret)
			fill(iov, count, 0, image->cluster + within);
		pthread_mutex_unlock(&image->mutex);
		return ret;
	}
	pthread_mutex_unlock(&image->mutex);
	if (ret)
		return ret;
	if ((entry & ENTRY_ZERO) && !image->has_zero_flag)
		return -EIO;
	if ((entry & ENTRY_ZERO) || !(entry & ENTRY_OFFSET)) {
		fill(iov, count, 0, NULL);
		return 0;
	}
	return read_plain(image, iov, count, (entry & ENTRY_OFFSET) + within);
}

int64_t qcow2_read(struct qcow2 *image, const struct iovec *iov, unsigned count, uint64_t offset)
{
	struct iovec pieces[QCOW2_PIECES];
	uint64_t done = 0;

	for (;;) {
		uint64_t cluster_size = 1ull << image->cluster_bits;
		uint64_t at = offset + done;
		uint64_t len = cluster_size - (at & (cluster_size - 1));
		unsigned used;
		int ret;

		if (at >= image->size)
			return (int64_t)done;
		if (len > image->size - at)
			len = image->size - at;
		used = slice(iov, count, done, &len, pieces, QCOW2_PIECES);
		if (!used)
			return (int64_t)done;
		ret = read_cluster(image, pieces, used, at);
		if (ret)
			return done ? (int64_t)done : ret;
		done += len;
	}
}
