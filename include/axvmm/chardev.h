/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Character devices: the host's end of a guest's serial line or console port. A terminal, a
 * pseudo-terminal, a file, a unix socket, or nothing. Part of libaxvmm-machine.
 *
 * A user stands at the guest's side: a virtio-console port (virtio_console.h), or a UART, whose output
 * comes by ax_chardev_sink().
 *
 * Output is not lost. It goes out at once where the other end takes it; what does not go waits in a
 * queue that grows as it must:
 *   - Somebody is there and slow: the queue takes AxCharDevConfig.queue bytes, then the guest waits:
 *     ax_chardev_write() takes no more, the sink keeps its vCPU until there is room.
 *   - Nobody is there (pty that nobody has open, socket without a client): the guest does not wait.
 *     AxCharDevConfig.keep bytes are kept for who comes; beyond that the oldest are dropped, and
 *     counted.
 *   - It failed for good (disk full, closed pipe): the user is told, and the rest is counted as
 *     dropped.
 * What the kernel took for a client who went without reading it is lost, and nobody can know.
 *
 * Thread: a character device works on its host's thread, where all callbacks run; what may be called
 * elsewhere says so.
 */
#ifndef AXVMM_CHARDEV_H
#define AXVMM_CHARDEV_H

#include <axvmm/devices.h>
#include <axvmm/error.h>
#include <axvmm/host.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct AxCharDev AxCharDev;

#define AX_CHAR_QUEUE (64u << 10)      /* bytes; AxCharDevConfig.queue by default */
#define AX_CHAR_KEEP  (16u << 20)      /* bytes; AxCharDevConfig.keep by default */
#define AX_CHAR_DELAY_NS 5000000	/* 5 ms; AxCharDevConfig.delay_ns by default */

/* What all kinds have. */
typedef struct AxCharDevConfig {
	size_t size;	   /* sizeof(AxCharDevConfig): AX_CHAR_DEV_CONFIG_INIT */
	AxHost *host;	   /* borrowed until free; not NULL */
	uint64_t queue;	   /* bytes that wait for somebody slow; 0: AX_CHAR_QUEUE */
	uint64_t keep;	   /* bytes that wait for somebody to come; 0: AX_CHAR_KEEP */
	uint64_t delay_ns; /* that the sink collects bytes for which end no line; 0: AX_CHAR_DELAY_NS */
	uint64_t eager;	   /* bytes, the first, that it does not collect: who writes few needs no timer */
	/*
	 * Sees what the guest writes, once and in its order, as it is taken: what is dropped later, too.
	 * On the thread that writes, with the device's lock held: it is quick, and calls nothing of the
	 * device's. NULL: nobody looks.
	 */
	void (*written)(void *opaque, const uint8_t *bytes, size_t len);
	void *opaque;
} AxCharDevConfig;

#define AX_CHAR_DEV_CONFIG_INIT { sizeof(AxCharDevConfig), NULL, 0, 0, 0, 0, NULL, NULL }

/* Two descriptors that somebody else opened, such as standard input and output. */
typedef struct AxCharFds {
	size_t size; /* sizeof(AxCharFds): AX_CHAR_FDS_INIT */
	int in;	     /* borrowed until free, as is out; -1: there is no input */
	int out;     /* may be the same; its flags are not changed. -1: output is dropped */
	/*
	 * Looks at what was read before the user gets it, and may take bytes out or put others in
	 * their place: returns how many of @bytes are left, at most @len. With it input is read also
	 * when the user takes none (beyond 4 KiB it is lost, and counted). NULL: none.
	 */
	size_t (*filter)(void *opaque, uint8_t *bytes, size_t len);
	/* Whether input may be read now; where not it is asked again after 200 ms. NULL: always. */
	bool (*may_read)(void *opaque);
	void *opaque;
} AxCharFds;

#define AX_CHAR_FDS_INIT { sizeof(AxCharFds), -1, -1, NULL, NULL, NULL }

/*
 * Make one, owned by the caller. @config is copied. 0; -EINVAL; -ENOMEM; -EACCES, -ENOENT, -EIO as the
 * message says. Thread: the host's, or before it runs.
 */
AX_API int ax_chardev_new_null(const AxCharDevConfig *config, AxCharDev **out, AxError *err);
AX_API int ax_chardev_new_fds(const AxCharDevConfig *config, const AxCharFds *fds, AxCharDev **out,
			      AxError *err);

/**
 * A pseudo-terminal in raw mode. Whoever opens it (ax_chardev_path()) is there until the last one has
 * closed it; then others may open it.
 *
 * @param link  a symbolic link to it that is made, in place of another link, and removed by free;
 *              NULL: none
 * @return also -EEXIST @link is there and no symbolic link
 */
AX_API int ax_chardev_new_pty(const AxCharDevConfig *config, const char *link, AxCharDev **out,
			      AxError *err);

#define AX_CHAR_FILE_APPEND (1u << 0) /* to what is in it; else it is emptied */

/* A file, made with mode 0666 under the umask. Input there is none. */
AX_API int ax_chardev_new_file(const AxCharDevConfig *config, const char *path, uint32_t flags,
			       AxCharDev **out, AxError *err);

#define AX_CHAR_UNIX_CONNECT (1u << 0) /* to somebody's socket, and again each second if that is lost */

/**
 * A unix stream socket: listens at @path, for one client at a time (others wait for their turn), or
 * connects to it. A socket there that nobody listens at any more is replaced; free removes what it
 * made.
 *
 * @return also -EEXIST somebody listens there, or it is no socket; -ENOENT nobody listens there
 *         (AX_CHAR_UNIX_CONNECT), or there is no such folder
 */
AX_API int ax_chardev_new_unix(const AxCharDevConfig *config, const char *path, uint32_t flags,
			       AxCharDev **out, AxError *err);

/* Close it; what waits and is not taken at once is lost: ax_chardev_flush() before. It has no user.
 * NULL is allowed. Thread: the host's, or when that does not run. */
AX_API void ax_chardev_free(AxCharDev *dev);

/* Where it is: "/dev/pts/3", the file's or the socket's path; NULL for other kinds. Owned by the
 * device. Thread: any. */
AX_API const char *ax_chardev_path(const AxCharDev *dev);

/* What a user is told. Numbered for ever. */
typedef enum AxCharEvent {
	AX_CHAR_OPENED = 0, /* somebody is there */
	AX_CHAR_CLOSED = 1, /* nobody is there any more */
	AX_CHAR_FAILED = 2, /* output cannot be written: ax_chardev_error() */
	AX_CHAR_ENDED = 3   /* input is at its end: fds only */
} AxCharEvent;

/* Who stands at the guest's side. Callbacks run on the host's thread; NULL ones are not called. */
typedef struct AxCharUser {
	size_t size; /* sizeof(AxCharUser): AX_CHAR_USER_INIT */
	/* Bytes came in: returns how many it took, from the start. After less than all no more come
	 * until ax_chardev_accept(). */
	size_t (*input)(void *opaque, const uint8_t *bytes, size_t len);
	void (*room)(void *opaque); /* after ax_chardev_write() took less than all: try again */
	void (*event)(void *opaque, uint32_t event); /* an AxCharEvent */
	void *opaque;
} AxCharUser;

#define AX_CHAR_USER_INIT { sizeof(AxCharUser), NULL, NULL, NULL, NULL }

/*
 * Set the user; from now on input is read, and what happens is told: whether somebody is there already
 * says ax_chardev_connected(). Copied. 0; -EINVAL; -EBUSY it has one. NULL takes the user away: no
 * callback runs when it returns. Thread: the host's, or when that does not run.
 */
AX_API int ax_chardev_set_user(AxCharDev *dev, const AxCharUser *user, AxError *err);

/* The user has room for input again. Thread: any. */
AX_API void ax_chardev_accept(AxCharDev *dev);

/*
 * Write without waiting: bytes taken, from the start. After less than all AxCharUser.room follows.
 * Thread: any; several at once take turns.
 */
AX_API size_t ax_chardev_write(AxCharDev *dev, const void *bytes, size_t len);

/*
 * A device's output (UART, debug console): all bytes are taken, and the caller waits where
 * ax_chardev_write() would not take them, unless it is the host's thread, or that has the user or the filter
 * look at input: it may be waiting for the caller. Bytes are collected up to a newline, 2 KiB or delay_ns. Valid
 * until free. Thread: any.
 */
AX_API AxCharSink ax_chardev_sink(AxCharDev *dev);

/*
 * Until it is taken back (@on false) nobody waits in the sink: what finds no room is queued all the same, up to
 * AxCharDevConfig.keep. Who waits already goes on within 50 ms. For the host's thread that is about to wait
 * for a device that may be printing here, whose lock is held then. Calls nest. Thread: any.
 */
AX_API void ax_chardev_set_no_wait(AxCharDev *dev, bool on);

/*
 * From now on nobody waits: what finds no room is dropped, and counted, and so ax_chardev_flush()
 * gives up at once. For a run that is to end though its reader sleeps. Thread: any,
 * async-signal-safe.
 */
AX_API void ax_chardev_hurry(AxCharDev *dev);

/**
 * Wait until all that was written is out, and a pty's or socket's reader has it.
 *
 * @param timeout_ns  0: do not wait; UINT64_MAX: for as long as it takes
 * @return 0; -ETIMEDOUT; -ENOENT bytes are left and nobody is there; -EIO output has failed
 *
 * Thread: any but the host's while it runs.
 */
AX_API int ax_chardev_flush(AxCharDev *dev, uint64_t timeout_ns);

/* The errno that output failed with for good; 0. Thread: any. */
AX_API int ax_chardev_error(AxCharDev *dev);

/* Whether somebody is there: always for fds and files, never for null. Thread: any. */
AX_API bool ax_chardev_connected(AxCharDev *dev);

typedef struct AxCharDevCounters {
	size_t size;	     /* sizeof(AxCharDevCounters): AX_CHAR_DEV_COUNTERS_INIT */
	uint64_t written;    /* bytes that went out */
	uint64_t waiting;    /* that wait now */
	uint64_t dropped;    /* that were not written and never will be */
	uint64_t received;   /* bytes of input that were read */
	uint64_t input_lost; /* of these that nobody took */
	uint64_t opened;     /* times that somebody came */
	uint64_t stalls;     /* times that the guest had to wait */
} AxCharDevCounters;

#define AX_CHAR_DEV_COUNTERS_INIT { sizeof(AxCharDevCounters), 0, 0, 0, 0, 0, 0, 0 }

/* Fill @counters, whose size the caller has set. 0 or -EINVAL. Thread: any. */
AX_API int ax_chardev_counters(AxCharDev *dev, AxCharDevCounters *counters);

#ifdef __cplusplus
}
#endif

#endif
