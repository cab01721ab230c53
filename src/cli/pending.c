/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices whose headers are there before they are: each goes from here when it comes.
 */
#include <errno.h>

#include <axvmm/balloon.h>
#include <axvmm/share.h>

#define PENDING(name, ...)                                                                        \
	__attribute__((weak)) int name(__VA_ARGS__)                                               \
	{                                                                                         \
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,                       \
				    "this build has none of these devices");                     \
	}

PENDING(ax_virtio_balloon_new, const AxVirtioBalloonConfig *config, AxVirtio **out, AxError *err)
PENDING(ax_virtio_fs_new, const AxVirtioFsConfig *config, AxVirtio **out, AxError *err)
__attribute__((weak)) int ax_virtio_balloon_stats(AxVirtio *virtio, AxVirtioBalloonStats *stats)
{
	(void)virtio;
	(void)stats;
	return -EINVAL;
}
__attribute__((weak)) int ax_virtio_balloon_set_target(AxVirtio *virtio, uint64_t bytes)
{
	(void)virtio;
	(void)bytes;
	return -EINVAL;
}
