/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sharing a directory of the host with the guest: virtio file system device (section 5.11), which the
 * guest mounts with "mount -t virtiofs TAG /mnt". Part of libaxvmm-machine.
 *
 * The file system itself is served by virtiofsd, a program of its own (packages: Debian 13 virtiofsd,
 * Debian 12 qemu-system-common), over the vhost-user protocol: this library only introduces guest and
 * program to each other. They then share the guest's RAM, which has to be shareable: RAM that was added
 * with AX_RAM_MEMFD, for machines AX_MACHINE_SHARED_MEMORY.
 *
 * Security: files are opened by virtiofsd with the rights of the user that it runs as, who is the user of
 * this process.
 *   - As root it confines itself (mount, PID and network namespace, pivot_root(), fewer capabilities, a
 *     seccomp filter), and the guest acts as any user of the host in the directory, root included: what
 *     it writes there may be owned by root and be set-user-ID.
 *   - As another user it is started by unshare(1) as root of a user namespace in which this user is the
 *     only one, and confines itself in the same way there. The guest's root is this user, and its files
 *     are this user's; to other users it can give none. Where a host forbids that, the sandbox
 *     AX_VIRTIO_FS_SANDBOX_AUTO is none at all but for the seccomp filter, if the program is the one
 *     written in Rust (Debian 13); the one in C (Debian 12) refuses. A guest that gets hold of an
 *     unconfined virtiofsd can do what this user can: ask for NAMESPACE to have an error instead.
 *   - virtiofsd sees all of the guest's RAM. It ends with this process and with the device.
 */
#ifndef AXVMM_SHARE_H
#define AXVMM_SHARE_H

#include <axvmm/virtio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define AX_VIRTIO_FS_TAG_MAX	36 /* bytes, section 5.11.4 */
#define AX_VIRTIO_FS_QUEUES_MAX 8

/* How virtiofsd confines itself. */
typedef enum AxVirtioFsSandbox {
	AX_VIRTIO_FS_SANDBOX_AUTO = 0,	    /* NAMESPACE; without root and user namespaces NONE */
	AX_VIRTIO_FS_SANDBOX_NAMESPACE = 1, /* namespaces and pivot_root() */
	AX_VIRTIO_FS_SANDBOX_CHROOT = 2,    /* for root in containers that allow no namespaces */
	AX_VIRTIO_FS_SANDBOX_NONE = 3	    /* the program in Rust only */
} AxVirtioFsSandbox;

typedef struct AxVirtioFsConfig {
	size_t size;	  /* sizeof(AxVirtioFsConfig): AX_VIRTIO_FS_CONFIG_INIT */
	const char *name; /* copied; NULL: "fs" */
	AxHost *host;	  /* borrowed until free; not NULL */
	const char *tag;  /* copied: what the guest mounts; 1 to AX_VIRTIO_FS_TAG_MAX bytes */
	/* One of both. A directory: virtiofsd is started for it. A Unix socket: a virtiofsd that
	 * listens there already. Borrowed during ax_virtio_fs_new(). */
	const char *directory;
	const char *socket;
	const char
		*program; /* NULL: virtiofsd, searched in $PATH, /usr/libexec and /usr/lib/qemu */
	uint32_t sandbox; /* an AxVirtioFsSandbox; with directory only */
	uint32_t queues;  /* of requests, 1 to AX_VIRTIO_FS_QUEUES_MAX; 0: 1 */
	/*
	 * virtiofsd went away or broke the protocol: called once, on the host's thread, with the
	 * device's lock held; @why says what happened and the last that the program wrote. The device
	 * has DEVICE_NEEDS_RESET set and serves nothing any more. NULL: nobody wants to know.
	 */
	void (*failed)(void *opaque, const AxError *why);
	void *failed_opaque;
	/* The guest may not change anything: virtiofsd in Rust sees to that, a newer one; else -ENOTSUP.
	 * With directory only. */
	bool read_only;
} AxVirtioFsConfig;

#define AX_VIRTIO_FS_CONFIG_INIT { sizeof(AxVirtioFsConfig), NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, NULL, NULL, false }

/**
 * Make a file system device, owned by the caller, and have virtiofsd answer for it. Waits for it for
 * some seconds at most. ax_virtio_attach() then returns -ENOTSUP where RAM cannot be shared.
 *
 * @return 0; -EINVAL; -ENOENT the directory or the program (the message names the packages that have
 *         it); -EACCES; -ENOTSUP it lacks what is needed; -ETIMEDOUT; -ENOMEM; -EIO it failed: the
 *         message says what it wrote
 *
 * Thread: the host's loop, or before that runs.
 */
AX_API int ax_virtio_fs_new(const AxVirtioFsConfig *config, AxVirtio **out, AxError *err);

#ifdef __cplusplus
}
#endif

#endif
