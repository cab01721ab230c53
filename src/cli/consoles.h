/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's consoles: its serial port, and ports of a virtio console, each with an end on the host
 * (console.h). --console SPEC is the serial port's, --console virtio=SPEC[,name=NAME] a port's.
 */
#ifndef AXVMM_CLI_CONSOLES_H
#define AXVMM_CLI_CONSOLES_H

#include <stdbool.h>
#include <string.h>

#define CONSOLE_VIRTIO "virtio="

/* Whether --console @text is a port of the virtio console. */
static inline bool console_is_virtio(const char *text)
{
	return !strncmp(text, CONSOLE_VIRTIO, strlen(CONSOLE_VIRTIO));
}

#endif
