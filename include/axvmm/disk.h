/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Disks: an image file or a block device of the host (AxDisk), and the virtio block device that a
 * guest sees of it. Part of libaxvmm-machine.
 *
 * A flush that the guest saw complete is on the disk: fdatasync(2) has returned before the device
 * says so. While the guest has turned the write cache off, that holds for every write.
 *
 * Requests are carried out asynchronously, by io_uring or, where the host denies it, by threads
 * named ax-disk-0, ax-disk-1, ...
 */
#ifndef AXVMM_DISK_H
#define AXVMM_DISK_H

#include <axvmm/virtio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What holds a disk's bytes. Owned by who opened it. */
typedef struct AxDisk AxDisk;

/*
 * What the bytes of the image are. Numbered for ever. AUTO believes the first bytes, which a guest that
 * may write to a raw disk chooses: the next one to open it may then be refused, or see a disk of the
 * guest's making. No format has another file of the host's opened. RAW is for disks that guests wrote.
 */
typedef enum AxDiskFormat {
	AX_DISK_AUTO = 0, /* qcow2 where the file begins like one, else raw */
	AX_DISK_RAW = 1,  /* sector n is at 512 n */
	AX_DISK_QCOW2 = 2 /* read-only, no backing file, no encryption, deflate compression only */
} AxDiskFormat;

/* Who carries out requests. Numbered for ever. */
typedef enum AxDiskEngine {
	AX_DISK_ENGINE_AUTO = 0,   /* io_uring where the host and the file let us, else threads */
	AX_DISK_ENGINE_URING = 1,  /* or fail */
	AX_DISK_ENGINE_THREADS = 2
} AxDiskEngine;

#define AX_DISK_THREADS_MAX 64

typedef struct AxDiskConfig {
	size_t size;	  /* sizeof(AxDiskConfig): AX_DISK_CONFIG_INIT */
	const char *path; /* a regular file or a block device; not NULL */
	bool read_only;	  /* the guest may not write; others may read the file meanwhile */
	bool direct;	  /* past the host's page cache (O_DIRECT) wherever a request's alignment allows */
	/*
	 * Take no lock on the file. Otherwise it is locked for as long as it is open (fcntl(2), open file
	 * description locks): against other writers, and, by a writer, against readers, in this process and
	 * in others, QEMU among them.
	 */
	bool unlocked;
	uint32_t format;  /* an AxDiskFormat */
	uint32_t engine;  /* an AxDiskEngine */
	uint32_t threads; /* at most so many, AX_DISK_THREADS_MAX at most; 0: 4, direct: 16 */
} AxDiskConfig;

#define AX_DISK_CONFIG_INIT { sizeof(AxDiskConfig), NULL, false, false, false, AX_DISK_AUTO, AX_DISK_ENGINE_AUTO, 0 }

/**
 * Open a disk.
 *
 * @param out  owned by the caller: ax_disk_free()
 * @return 0; -EINVAL; -ENOENT; -EACCES; -EBUSY somebody else has it open (locked); -ENOEXEC the file
 *         is no disk, or of a format that is not wanted or not known; -ENOTSUP O_DIRECT or the engine
 *         is not to be had here; -ENOMEM; -EIO. The message names the file, what was found, and what
 *         would work
 *
 * Thread: any.
 */
AX_API int ax_disk_open(const AxDiskConfig *config, AxDisk **out, AxError *err);

/* Close it. The device that used it is gone. NULL is allowed. Thread: any. */
AX_API void ax_disk_free(AxDisk *disk);

/* What was opened. */
typedef struct AxDiskInfo {
	size_t size;	     /* sizeof(AxDiskInfo): AX_DISK_INFO_INIT */
	uint64_t bytes;	     /* that the guest sees: a multiple of 512 */
	uint32_t block_size; /* logical: 512, or a block device's own */
	uint32_t format;     /* AX_DISK_RAW or AX_DISK_QCOW2 */
	uint32_t engine;     /* AX_DISK_ENGINE_URING or _THREADS */
	bool read_only;
	bool direct;
} AxDiskInfo;

#define AX_DISK_INFO_INIT { sizeof(AxDiskInfo), 0, 0, 0, 0, false, false }

/* Fill @info, whose size the caller has set. 0 or -EINVAL. Thread: any. */
AX_API int ax_disk_info(const AxDisk *disk, AxDiskInfo *info);

#define AX_VIRTIO_BLK_SERIAL_SIZE 20
#define AX_VIRTIO_BLK_QUEUES_MAX  16

/* Block device (section 5.2). */
typedef struct AxVirtioBlkConfig {
	size_t size;	     /* sizeof(AxVirtioBlkConfig): AX_VIRTIO_BLK_CONFIG_INIT */
	const char *name;    /* NULL: "blk" */
	AxHost *host;	     /* borrowed until free; not NULL */
	AxDisk *disk;	     /* borrowed until free; not NULL, and no other device's */
	const char *serial;  /* at most AX_VIRTIO_BLK_SERIAL_SIZE bytes; NULL: none */
	uint32_t queues;     /* AX_VIRTIO_BLK_QUEUES_MAX at most; 0: 1. As many as vCPUs is a good choice */
	uint32_t queue_size; /* largest, a power of two from 2 to 1024; 0: 256 */
} AxVirtioBlkConfig;

#define AX_VIRTIO_BLK_CONFIG_INIT { sizeof(AxVirtioBlkConfig), NULL, NULL, NULL, NULL, 0, 0 }

/**
 * Make a block device.
 *
 * @param out  owned by the caller: ax_virtio_free()
 * @return 0; -EINVAL; -EBUSY the disk is another device's; -ENOMEM; -EIO
 *
 * Thread: the one that dispatches the host, or before it is dispatched.
 */
AX_API int ax_virtio_blk_new(const AxVirtioBlkConfig *config, AxVirtio **out, AxError *err);

#ifdef __cplusplus
}
#endif

#endif
