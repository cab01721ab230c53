/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtio file system device (section 5.11): queues and memory are handed to virtiofsd, which does all
 * the rest. See axvmm/share.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dev/backend/unix.h"
#include "dev/backend/virtiofsd.h"
#include "dev/virtio/vhost_user.h"

#define ID_FS 26 /* section 5.11.1 */

/* Section 5.11.2: the queue for urgent requests, then those for requests. */
#define HIPRIO_SIZE  128
#define REQUEST_SIZE 1024
#define QUEUES_MAX   (1 + AX_VIRTIO_FS_QUEUES_MAX)

/* Section 5.11.4. */
#define CONFIG_TAG    0
#define CONFIG_QUEUES 36
#define CONFIG_SIZE   40

#define WORDS_MS 500 /* what a program that fails may take to say why */

struct fs {
	AxVirtio virtio;
	struct vhost_user user;
	struct ax_virtiofsd daemon; /* none when it was there already */
	AxWatch *watch;		    /* of the connection */
	int call;		    /* eventfd: buffers were used */
	AxWatch *call_watch;
	AxWatch *log_watch;
	bool broken; /* the connection is of no use; why: */
	bool reported;
	AxError why;
	void (*failed)(void *opaque, const AxError *why);
	void *failed_opaque;
};

/* What the program wrote, if it is ours, behind what we know. */
static void add_last_words(struct fs *fs, AxError *err, int wait_ms)
{
	const char *words;
	size_t len = strlen(err->message);

	if (!fs->daemon.pid)
		return;
	ax_virtiofsd_listen(&fs->daemon, wait_ms);
	words = ax_virtiofsd_last_words(&fs->daemon);
	if (*words && len < sizeof(err->message))
		snprintf(err->message + len, sizeof(err->message) - len, ": %s", words);
}

/* Any thread, with the lock held. What is left to do happens on the host's. */
static void fs_broken(struct fs *fs, const AxError *why)
{
	if (!fs->broken) {
		fs->broken = true;
		fs->why = *why;
		/* Its watch tells the host's thread. */
		shutdown(fs->user.fd, SHUT_RDWR);
	}
	vhost_user_reset(&fs->user);
	virtio_broken(&fs->virtio);
}

/* The connection can be read: it has ended, or somebody waits for an answer already. */
static void connection_event(void *opaque, int fd, unsigned events)
{
	struct fs *fs = opaque;
	AxError why = AX_ERROR_INIT;

	(void)fd;
	(void)events;
	virtio_lock(&fs->virtio);
	if (!fs->broken && !vhost_user_is_quiet(&fs->user, &why))
		fs_broken(fs, &why);
	if (fs->broken) {
		ax_watch_free(fs->watch);
		fs->watch = NULL;
	}
	if (fs->broken && !fs->reported) {
		fs->reported = true;
		ax_watch_free(fs->log_watch);
		fs->log_watch = NULL;
		add_last_words(fs, &fs->why, 10);
		if (fs->failed)
			fs->failed(fs->failed_opaque, &fs->why);
	}
	virtio_unlock(&fs->virtio);
}

static void call_event(void *opaque, int fd, unsigned events)
{
	struct fs *fs = opaque;
	uint64_t count;

	(void)events;
	if (read(fd, &count, sizeof(count)) != sizeof(count))
		return;
	virtio_lock(&fs->virtio);
	if (virtio_running(&fs->virtio))
		virtio_interrupt_external(&fs->virtio);
	virtio_unlock(&fs->virtio);
}

/* It wrote something: a pipe that is full would stop it. */
static void log_event(void *opaque, int fd, unsigned events)
{
	struct fs *fs = opaque;

	(void)fd;
	(void)events;
	virtio_lock(&fs->virtio);
	if (!ax_virtiofsd_listen(&fs->daemon, 0)) {
		ax_watch_free(fs->log_watch);
		fs->log_watch = NULL;
	}
	virtio_unlock(&fs->virtio);
}

static struct fs *of(AxVirtio *virtio)
{
	return (struct fs *)virtio;
}

static int fs_attach(AxVirtio *virtio, AxError *err)
{
	return vhost_user_check_memory(virtio->link.vm, of(virtio)->user.name, err);
}

static void fs_start(AxVirtio *virtio)
{
	struct fs *fs = of(virtio);
	AxError why = AX_ERROR_INIT;

	if (!fs->broken && !vhost_user_start(&fs->user, virtio, fs->call, &why))
		return;
	fs_broken(fs, &why);
	ax_virtiofsd_kill(&fs->daemon);
}

static void fs_drain(AxVirtio *virtio)
{
	struct fs *fs = of(virtio);
	AxError why = AX_ERROR_INIT;

	if (fs->broken || !vhost_user_stop(&fs->user, &why))
		return;
	fs_broken(fs, &why);
	ax_virtiofsd_kill(&fs->daemon);
}

static void fs_reset(AxVirtio *virtio)
{
	vhost_user_reset(&of(virtio)->user);
}

/* virtiofsd knows which files the guest has open, and does not tell. */
static int fs_save(AxVirtio *virtio, AxState *state)
{
	(void)state;
	return virtio->status & VIRTIO_DRIVER_OK ? -ENOTSUP : 0;
}

static int fs_restore(AxVirtio *virtio, AxState *state)
{
	(void)state;
	return virtio->status & VIRTIO_DRIVER_OK ? -ENOTSUP : 0;
}

static void fs_free(AxVirtio *virtio)
{
	struct fs *fs = of(virtio);

	ax_watch_free(fs->watch);
	ax_watch_free(fs->call_watch);
	ax_watch_free(fs->log_watch);
	if (fs->user.fd >= 0)
		close(fs->user.fd);
	if (fs->call >= 0)
		close(fs->call);
	ax_virtiofsd_stop(&fs->daemon);
	virtio_fini(virtio);
	free(fs);
}

static const struct virtio_type fs_type = {
	.id = ID_FS,
	.name = "fs",
	.external = true,
	.attach = fs_attach,
	.start = fs_start,
	.drain = fs_drain,
	.reset = fs_reset,
	.save = fs_save,
	.restore = fs_restore,
	.free = fs_free,
};

static int check_config(AxVirtioFsConfig *config, AxError *err)
{
	size_t len = config->tag ? strnlen(config->tag, AX_VIRTIO_FS_TAG_MAX + 1) : 0;

	if (!config->host)
		return ax_error_argument(err, -EINVAL, "a shared directory needs a host");
	if (!len || len > AX_VIRTIO_FS_TAG_MAX)
		return ax_error_argument(
			err, -EINVAL, "a shared directory's tag has 1 to %d bytes, not \"%.60s\"",
			AX_VIRTIO_FS_TAG_MAX, config->tag ? config->tag : "");
	if (!config->directory == !config->socket)
		return ax_error_argument(err, -EINVAL,
					 "share either a directory or the socket of a virtiofsd");
	if (config->socket && config->read_only)
		return ax_error_argument(
			err, -EINVAL,
			"a virtiofsd that runs has been told whether the guest may "
			"write");
	if (config->sandbox > AX_VIRTIO_FS_SANDBOX_NONE)
		return ax_error_argument(err, -EINVAL, "%u is no AxVirtioFsSandbox",
					 config->sandbox);
	if (config->queues > AX_VIRTIO_FS_QUEUES_MAX)
		return ax_error_argument(err, -EINVAL, "%u queues are more than %d", config->queues,
					 AX_VIRTIO_FS_QUEUES_MAX);
	if (!config->queues)
		config->queues = 1;
	return 0;
}

static int connect_backend(struct fs *fs, const AxVirtioFsConfig *config, AxError *err)
{
	if (config->directory)
		return ax_virtiofsd_start(&fs->daemon, config->program, config->directory,
					  config->sandbox, config->read_only, &fs->user.fd, err);
	fs->user.fd = ax_unix_connect(config->socket);
	if (fs->user.fd >= 0)
		return 0;
	return ax_error_set(err,
			    fs->user.fd == -EACCES   ? -EACCES
			    : fs->user.fd == -EINVAL ? -EINVAL
			    : fs->user.fd == -ENOENT ? -ENOENT
						     : -EIO,
			    AX_ERROR_FILE, -fs->user.fd,
			    "cannot connect to a virtiofsd at %s: %s (is one running, with "
			    "--socket-path there?)",
			    config->socket, strerror(-fs->user.fd));
}

static int open_backend(struct fs *fs, const AxVirtioFsConfig *config, AxError *err)
{
	AxError own = AX_ERROR_INIT;
	int ret = connect_backend(fs, config, err);

	if (ret) {
		fs->user.fd = -1;
		return ret;
	}
	ret = vhost_user_open(&fs->user, &own);
	if (!ret && fs->user.queues < 1 + config->queues)
		ret = ax_error_set(&own, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
				   "%s serves %u queues, and %u are needed", fs->user.name,
				   fs->user.queues, 1 + config->queues);
	if (!ret)
		return 0;
	add_last_words(fs, &own, WORDS_MS);
	return ax_error_set(err, ret, own.code, own.os_errno, "%s", own.message);
}

static int watch_backend(struct fs *fs, AxError *err)
{
	AxHost *host = fs->virtio.host;
	int ret;

	fs->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fs->call < 0)
		return ax_error_set(err, -EIO, AX_ERROR_RESOURCE, errno,
				    "%s: no eventfd for interrupts: %s", fs->virtio.link.name,
				    strerror(errno));
	ret = ax_watch_new(host, fs->call, AX_WATCH_READ, call_event, fs, &fs->call_watch, err);
	if (!ret)
		ret = ax_watch_new(host, fs->user.fd, AX_WATCH_READ, connection_event, fs,
				   &fs->watch, err);
	if (!ret && fs->daemon.log_fd >= 0)
		ret = ax_watch_new(host, fs->daemon.log_fd, AX_WATCH_READ, log_event, fs,
				   &fs->log_watch, err);
	return ret;
}

static int make(struct fs *fs, const AxVirtioFsConfig *config, AxError *err)
{
	uint32_t sizes[QUEUES_MAX] = { HIPRIO_SIZE };
	struct virtio_init init = {
		.type = &fs_type,
		.name = config->name,
		.host = config->host,
		.queue_count = 1 + config->queues,
		.queue_size = sizes,
		.config_len = CONFIG_SIZE,
	};
	int ret;

	for (uint32_t i = 1; i < init.queue_count; i++)
		sizes[i] = REQUEST_SIZE;
	ret = virtio_init(&fs->virtio, &init, err);
	if (ret)
		return ret;
	memcpy(&fs->virtio.config[CONFIG_TAG], config->tag, strlen(config->tag));
	fs->virtio.config[CONFIG_QUEUES] = (uint8_t)config->queues;
	fs->failed = config->failed;
	fs->failed_opaque = config->failed_opaque;
	ret = open_backend(fs, config, err);
	if (ret)
		return ret;
	/* Packed rings have positions of another kind, and no virtiofsd has them. */
	fs->virtio.offered &= fs->user.features & ~VIRTIO_F_RING_PACKED;
	return watch_backend(fs, err);
}

int ax_virtio_fs_new(const AxVirtioFsConfig *config, AxVirtio **out, AxError *err)
{
	AxVirtioFsConfig known = AX_VIRTIO_FS_CONFIG_INIT;
	struct fs *fs;
	int ret;

	ret = ax_dev_config(&known, sizeof(known), config, sizeof(known), "AxVirtioFsConfig", err);
	if (!ret)
		ret = check_config(&known, err);
	if (ret)
		return ret;
	fs = calloc(1, sizeof(*fs));
	if (!fs)
		return ax_dev_error_nomem(err, "a shared directory");
	fs->virtio.type = &fs_type;
	fs->user = (struct vhost_user){ .fd = -1, .name = "virtiofsd" };
	fs->daemon.log_fd = -1;
	fs->call = -1;
	ret = make(fs, &known, err);
	if (ret) {
		fs_free(&fs->virtio);
		return ret;
	}
	*out = &fs->virtio;
	return 0;
}
