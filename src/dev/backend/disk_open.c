/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a disk: what the file is, and whether it is one that we may have.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "boot/image.h"
#include "dev/backend/disk.h"
#include "dev/backend/qcow2.h"
#include "dev/dev.h"

#define DEFAULT_ALIGN 4096u
#define LOCK_TRIES    50
#define LOCK_PAUSE_NS 10000000

/* What to tell of a system call that failed with @os_errno. */
static int host_failed(const AxDiskConfig *config, const char *what, int os_errno, AxError *err)
{
	const char *path = config->path;

	switch (os_errno) {
	case ENOENT:
	case ENOTDIR:
		return boot_error(
			err, AX_ERROR_FILE, os_errno, -ENOENT, path,
			"no such file: check the path, or make a disk there with truncate -s SIZE");
	case EACCES:
	case EPERM:
		return boot_error(err, AX_ERROR_FILE, os_errno, -EACCES, path,
				  "no permission to %s it%s", config->read_only ? "read" : "write",
				  config->read_only ? ""
						    : ": change its mode, or open it read-only");
	case EROFS:
		return boot_error(err, AX_ERROR_FILE, os_errno, -EACCES, path,
				  "is on a read-only file system: open it read-only");
	case EISDIR:
		return boot_error(err, AX_ERROR_FILE, os_errno, -ENOEXEC, path,
				  "is a directory; an image file or a block device is needed");
	case ETXTBSY:
	case EBUSY:
		return boot_error(err, AX_ERROR_FILE, os_errno, -EBUSY, path,
				  "the host itself uses it (mounted, or swap): open it read-only");
	default:
		return boot_error(err, AX_ERROR_FILE, os_errno, -EIO, path, "cannot %s it: %s",
				  what, strerror(os_errno));
	}
}

static int refuse(const AxDiskConfig *config, const char *found, AxError *err)
{
	return boot_error(err, AX_ERROR_FILE, 0, -ENOEXEC, config->path,
			  "is %s; an image file or a block device is needed", found);
}

/* The file's kind and size. */
static int examine(AxDisk *disk, const AxDiskConfig *config, AxError *err)
{
	struct stat status;

	if (fstat(disk->fd, &status))
		return host_failed(config, "examine", errno, err);
	if (S_ISDIR(status.st_mode))
		return refuse(config, "a directory", err);
	if (S_ISBLK(status.st_mode)) {
		int block = 0;
		unsigned physical = 0;

		if (ioctl(disk->fd, BLKGETSIZE64, &disk->info.bytes) ||
		    ioctl(disk->fd, BLKSSZGET, &block) || ioctl(disk->fd, BLKPBSZGET, &physical))
			return host_failed(config, "examine", errno, err);
		disk->block_device = true;
		disk->info.block_size = (uint32_t)block;
		disk->physical_block = physical;
	} else if (S_ISREG(status.st_mode)) {
		disk->info.bytes = (uint64_t)status.st_size;
		disk->info.block_size = DISK_SECTOR;
		disk->physical_block = (uint32_t)status.st_blksize;
	} else {
		return refuse(config,
			      S_ISFIFO(status.st_mode) ? "a pipe"
						       : "a character device or a socket",
			      err);
	}
	return 0;
}

static int check_size(const AxDisk *disk, const AxDiskConfig *config, AxError *err)
{
	uint64_t bytes = disk->info.bytes;

	if (!bytes)
		return boot_error(err, AX_ERROR_FILE, 0, -ENOEXEC, config->path,
				  "is empty: give it a size with truncate -s SIZE");
	if (bytes % DISK_SECTOR)
		return boot_error(err, AX_ERROR_FILE, 0, -ENOEXEC, config->path,
				  "its size of %llu bytes is no multiple of 512: truncate -s %%512 "
				  "makes it one",
				  (unsigned long long)bytes);
	return 0;
}

static int not_locked(const AxDiskConfig *config, AxError *err)
{
	if (errno == EAGAIN || errno == EACCES)
		return boot_error(err, AX_ERROR_FILE, errno, -EBUSY, config->path,
				  "is locked by another VM or program%s",
				  config->read_only
					  ? " that writes it: stop that first"
					  : ": stop that first; only readers can share it");
	return boot_error(err, AX_ERROR_FILE, errno, -EIO, config->path,
			  "cannot lock it (%s): where files can't be locked, ask for no lock",
			  strerror(errno));
}

/*
 * So that no two VMs write one image, which would be its end. Of a process that was killed the lock goes
 * when io_uring's last work is over, a little later than the process: so it is asked for some times.
 */
static int lock(const AxDisk *disk, const AxDiskConfig *config, AxError *err)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_NS };
	struct flock whole = { .l_type = config->read_only ? F_RDLCK : F_WRLCK };
	int tries = LOCK_TRIES;

	if (config->unlocked)
		return 0;
	while (fcntl(disk->fd, F_OFD_SETLK, &whole)) {
		if ((errno != EAGAIN && errno != EACCES) || !--tries)
			return not_locked(config, err);
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* Formats that are no disk's bytes, by what they begin with. */
struct format {
	const char *name;
	const char *magic;
	size_t len;
};

static const struct format foreign[] = {
	{ "a VMDK image", "KDMV", 4 },
	{ "a VHDX image", "vhdxfile", 8 },
	{ "a VHD image", "conectix", 8 },
	{ "a gzip archive", "\x1f\x8b\x08", 3 },
	{ "an xz archive",
	  "\xfd"
	  "7zXZ",
	  5 },
	{ "a zstd archive", "\x28\xb5\x2f\xfd", 4 },
};

static int refuse_foreign(const uint8_t *start, const AxDiskConfig *config, AxError *err)
{
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		if (!memcmp(start, foreign[i].magic, foreign[i].len))
			return boot_error(
				err, AX_ERROR_FILE, 0, -ENOEXEC, config->path,
				"is %s: unpack it, or qemu-img convert -O raw it; to take its "
				"bytes as they are, ask for the format raw",
				foreign[i].name);
	}
	return 0;
}

static int open_qcow2(AxDisk *disk, const AxDiskConfig *config, AxError *err)
{
	int ret;

	if (!config->read_only)
		return boot_error(
			err, AX_ERROR_FILE, 0, -ENOTSUP, config->path,
			"is a qcow2 image, which can only be read: open it read-only, or "
			"qemu-img convert -O raw it; if a guest wrote these bytes, ask for "
			"the format raw");
	ret = qcow2_open(disk->fd, config->path, &disk->qcow2, err);
	if (ret)
		return ret;
	disk->info.format = AX_DISK_QCOW2;
	disk->info.bytes = qcow2_size(disk->qcow2);
	disk->info.block_size = DISK_SECTOR;
	return 0;
}

static int settle_format(AxDisk *disk, const AxDiskConfig *config, AxError *err)
{
	uint8_t start[8] = { 0 };
	bool is_qcow2;

	disk->info.format = AX_DISK_RAW;
	if (config->format == AX_DISK_RAW)
		return 0;
	if (pread(disk->fd, start, sizeof(start), 0) < 0)
		return host_failed(config, "read", errno, err);
	is_qcow2 = !memcmp(start, QCOW2_MAGIC, 4);
	if (is_qcow2)
		return open_qcow2(disk, config, err);
	if (config->format == AX_DISK_QCOW2)
		return boot_error(err, AX_ERROR_FILE, 0, -ENOEXEC, config->path,
				  "does not begin as a qcow2 image does: ask for the format raw");
	return refuse_foreign(start, config, err);
}

/* What O_DIRECT wants: statx(2) says it since Linux 6.1. */
static void settle_alignment(AxDisk *disk)
{
	disk->memory_align = disk->offset_align = DEFAULT_ALIGN;
	if (disk->block_device)
		disk->memory_align = disk->offset_align = disk->info.block_size;
#ifdef STATX_DIOALIGN
	struct statx status;

	if (!statx(disk->fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &status) &&
	    (status.stx_mask & STATX_DIOALIGN) && status.stx_dio_offset_align) {
		disk->memory_align = status.stx_dio_mem_align;
		disk->offset_align = status.stx_dio_offset_align;
	}
#endif
}

static int open_direct(AxDisk *disk, const AxDiskConfig *config, AxError *err)
{
	struct stat first, second;

	if (!config->direct)
		return 0;
	if (disk->qcow2)
		return boot_error(err, AX_ERROR_ARGUMENT, 0, -ENOTSUP, config->path,
				  "is a qcow2 image, which is read through the page cache only");
	disk->direct_fd = open(config->path, (config->read_only ? O_RDONLY : O_RDWR) | O_DIRECT |
						     O_CLOEXEC | O_NOCTTY);
	if (disk->direct_fd < 0 && errno == EINVAL)
		return boot_error(err, AX_ERROR_UNSUPPORTED, EINVAL, -ENOTSUP, config->path,
				  "its file system has no O_DIRECT: do without");
	if (disk->direct_fd < 0)
		return host_failed(config, "open", errno, err);
	if (fstat(disk->fd, &first) || fstat(disk->direct_fd, &second))
		return host_failed(config, "examine", errno, err);
	if (first.st_dev != second.st_dev || first.st_ino != second.st_ino)
		return boot_error(err, AX_ERROR_FILE, 0, -EIO, config->path,
				  "was replaced while it was opened: try again");
	settle_alignment(disk);
	disk->info.direct = true;
	return 0;
}

static int open_file(AxDisk *disk, const AxDiskConfig *config, AxError *err)
{
	int flags = config->read_only ? O_RDONLY : O_RDWR;

	/* Without O_NONBLOCK a pipe would wait for somebody to open its other end. */
	disk->fd = open(config->path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (disk->fd < 0)
		return host_failed(config, "open", errno, err);
	/* io_uring would give up with EAGAIN where it has to wait. */
	if (fcntl(disk->fd, F_SETFL, 0))
		return host_failed(config, "open", errno, err);
	return 0;
}

static int open_all(AxDisk *disk, const AxDiskConfig *config, AxError *err)
{
	int ret = open_file(disk, config, err);

	if (!ret)
		ret = examine(disk, config, err);
	if (!ret)
		ret = lock(disk, config, err);
	if (!ret && !disk->info.bytes)
		ret = check_size(disk, config, err);
	if (!ret)
		ret = settle_format(disk, config, err);
	if (!ret)
		ret = check_size(disk, config, err);
	if (!ret)
		ret = open_direct(disk, config, err);
	if (ret)
		return ret;
	if (!config->read_only) {
		disk->zeroes =
			mmap(NULL, DISK_ZEROES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (disk->zeroes == MAP_FAILED) {
			disk->zeroes = NULL;
			return ax_dev_error_nomem(err, "a disk");
		}
	}
	return disk_start_engines(disk, config, err);
}

static int check_config(const AxDiskConfig *config, AxError *err)
{
	if (!config->path)
		return ax_error_argument(err, -EINVAL, "AxDiskConfig.path is NULL");
	if (config->format > AX_DISK_QCOW2 || config->engine > AX_DISK_ENGINE_THREADS ||
	    config->threads > AX_DISK_THREADS_MAX)
		return ax_error_argument(
			err, -EINVAL,
			"AxDiskConfig: unknown format %u or engine %u, or %u threads "
			"(at most %u)",
			config->format, config->engine, config->threads, AX_DISK_THREADS_MAX);
	return 0;
}

int ax_disk_open(const AxDiskConfig *config, AxDisk **out, AxError *err)
{
	AxDiskConfig known = AX_DISK_CONFIG_INIT;
	AxDisk *disk;
	int ret = ax_dev_config(&known, sizeof(known), config, sizeof(known), "AxDiskConfig", err);

	if (!ret)
		ret = check_config(&known, err);
	if (ret)
		return ret;
	disk = calloc(1, sizeof(*disk));
	if (!disk)
		return ax_dev_error_nomem(err, "a disk");
	disk->fd = disk->direct_fd = -1;
	disk->info.size = sizeof(disk->info);
	disk->info.read_only = known.read_only;
	ret = open_all(disk, &known, err);
	if (ret) {
		ax_disk_free(disk);
		return ret;
	}
	*out = disk;
	return 0;
}

void ax_disk_free(AxDisk *disk)
{
	if (!disk)
		return;
	for (unsigned i = 0; i < DISK_ENGINES && disk->engines[i]; i++)
		disk->engines[i]->ops->free(disk->engines[i]);
	if (disk->zeroes)
		munmap(disk->zeroes, DISK_ZEROES);
	qcow2_free(disk->qcow2);
	if (disk->direct_fd >= 0)
		close(disk->direct_fd);
	if (disk->fd >= 0)
		close(disk->fd);
	free(disk);
}

int ax_disk_info(const AxDisk *disk, AxDiskInfo *info)
{
	if (info->size < sizeof(*info))
		return -EINVAL;
	*info = disk->info;
	return 0;
}
