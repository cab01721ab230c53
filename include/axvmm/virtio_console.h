/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtio console device (section 5.3): one or several ports, each with a character device of the host
 * (chardev.h). Part of libaxvmm-machine.
 *
 * Port 0 is what a driver without VIRTIO_CONSOLE_F_MULTIPORT has: Linux's hvc0. Linux makes a port
 * that is flagged as a console another hvc, each other one /dev/vport<n>p<i>, with its name in
 * /sys/class/virtio-ports/.
 *
 * The guest's output is never lost here: a buffer is given back when the character device has taken
 * all of it, so that a guest whose reader is slow waits for it.
 */
#ifndef AXVMM_VIRTIO_CONSOLE_H
#define AXVMM_VIRTIO_CONSOLE_H

#include <axvmm/chardev.h>
#include <axvmm/virtio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define AX_VIRTIO_CONSOLE_PORTS_MAX 16
#define AX_VIRTIO_CONSOLE_NAME_MAX  63 /* bytes of a port's name */

#define AX_VIRTIO_CONSOLE_IS_CONSOLE (1u << 0) /* a terminal for people (CONSOLE_PORT); port 0 always */

typedef struct AxVirtioConsolePort {
	AxCharDev *chardev; /* borrowed until free, and used by this port alone; of the same host, or,
			     * where that is ax_record_host()'s, of the one behind it */
	const char *name;   /* VIRTIO_CONSOLE_PORT_NAME; copied; NULL: none */
	uint32_t flags;	    /* AX_VIRTIO_CONSOLE_* */
	uint16_t columns, rows; /* of the terminal; 0: not known */
} AxVirtioConsolePort;

typedef struct AxVirtioConsoleConfig {
	size_t size;	  /* sizeof(AxVirtioConsoleConfig): AX_VIRTIO_CONSOLE_CONFIG_INIT */
	const char *name; /* of the device; NULL: "console" */
	AxHost *host;	  /* borrowed until free; not NULL */
	const AxVirtioConsolePort *ports; /* copied */
	uint32_t port_count;		  /* 1 to AX_VIRTIO_CONSOLE_PORTS_MAX */
} AxVirtioConsoleConfig;

#define AX_VIRTIO_CONSOLE_CONFIG_INIT { sizeof(AxVirtioConsoleConfig), NULL, NULL, NULL, 0 }

/*
 * Make a console device, owned by the caller; it becomes the character devices' user, until
 * ax_virtio_free(). 0; -EINVAL; -EBUSY a character device has a user; -ENOMEM. Thread: the host's, or
 * before it runs.
 */
AX_API int ax_virtio_console_new(const AxVirtioConsoleConfig *config, AxVirtio **out, AxError *err);

/*
 * The terminal of @port has another size: the guest is told (configuration space for port 0, RESIZE
 * for all). 0; -EINVAL there is no such port, or @virtio is no console. Thread: any.
 */
AX_API int ax_virtio_console_resize(AxVirtio *virtio, uint32_t port, uint16_t columns,
				    uint16_t rows);

typedef struct AxVirtioConsoleCounters {
	size_t size;	      /* sizeof(AxVirtioConsoleCounters): AX_VIRTIO_CONSOLE_COUNTERS_INIT */
	uint64_t output;      /* bytes of the guest's, all ports */
	uint64_t input;	      /* bytes that it got */
	uint64_t controls;    /* control messages of the guest's */
	uint64_t bad_controls; /* of these that made no sense and were ignored */
	uint64_t emergency;   /* bytes written to emerg_wr */
} AxVirtioConsoleCounters;

#define AX_VIRTIO_CONSOLE_COUNTERS_INIT { sizeof(AxVirtioConsoleCounters), 0, 0, 0, 0, 0 }

/* Fill @counters, whose size the caller has set. 0; -EINVAL, also when @virtio is no console.
 * Thread: any. */
AX_API int ax_virtio_console_counters(AxVirtio *virtio, AxVirtioConsoleCounters *counters);

#ifdef __cplusplus
}
#endif

#endif
