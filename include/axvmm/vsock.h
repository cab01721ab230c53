/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtio socket device (section 5.10): stream connections between programs on the host and programs
 * in the guest, which has AF_VSOCK sockets for them. Part of libaxvmm-machine.
 *
 * The host's side are Unix stream sockets, by Firecracker's convention:
 *   - Host to guest: connect to AxVirtioVsockConfig.path and write "CONNECT <port>\n", the decimal
 *     number of a port that the guest listens on. "OK <port>\n" comes back, with the port that the
 *     connection has on the host's side, and from then on the socket is the connection. Without a
 *     listener in the guest, after AX_VIRTIO_VSOCK_TIMEOUT_NS, or after anything else than that line,
 *     the socket is closed.
 *   - Guest to host: the guest connects to CID 2 (VMADDR_CID_HOST), port N. The device connects to the
 *     Unix socket <path>_N, on which a program of the host listens. Without one the guest's
 *     connection is refused (ECONNRESET).
 *
 * shutdown() of one direction reaches the other side as such. Whoever may connect to the sockets may
 * talk to the guest: permissions of the folder of @path decide. What the guest says about lengths,
 * ports and credit is checked; packets that are none of the device's are answered with a reset.
 */
#ifndef AXVMM_VSOCK_H
#define AXVMM_VSOCK_H

#include <axvmm/virtio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Connections at a time; AxVirtioVsockConfig.connections. */
#define AX_VIRTIO_VSOCK_CONNECTIONS	1024
#define AX_VIRTIO_VSOCK_CONNECTIONS_MAX 65536

/* How long a host's program may take for its line, and a guest to accept. */
#define AX_VIRTIO_VSOCK_TIMEOUT_NS 2000000000ULL

/* Guest CIDs; 2 is the host's. */
#define AX_VIRTIO_VSOCK_CID_MIN 3ULL
#define AX_VIRTIO_VSOCK_CID_MAX 0xfffffffeULL

typedef struct AxVirtioVsockConfig {
	size_t size;	      /* sizeof(AxVirtioVsockConfig): AX_VIRTIO_VSOCK_CONFIG_INIT */
	const char *name;     /* copied; NULL: "vsock" */
	AxHost *host;	      /* borrowed until free; not NULL */
	uint64_t cid;	      /* the guest's: AX_VIRTIO_VSOCK_CID_MIN to _MAX */
	const char *path;     /* of the Unix socket that is made; copied; at most 96 bytes */
	uint32_t connections; /* the most at a time; 0: AX_VIRTIO_VSOCK_CONNECTIONS */
} AxVirtioVsockConfig;

#define AX_VIRTIO_VSOCK_CONFIG_INIT { sizeof(AxVirtioVsockConfig), NULL, NULL, 0, NULL, 0 }

/**
 * Make a socket device, owned by the caller, and listen at its path. A socket that somebody left there
 * and nobody listens on is replaced. ax_virtio_free() removes it.
 *
 * @return 0; -EINVAL; -EEXIST somebody listens at the path, or what is there is no socket; -EACCES;
 *         -ENOENT its folder; -ENOMEM; -EIO
 *
 * Thread: the host's loop, or before that runs.
 */
AX_API int ax_virtio_vsock_new(const AxVirtioVsockConfig *config, AxVirtio **out, AxError *err);

#ifdef __cplusplus
}
#endif

#endif
