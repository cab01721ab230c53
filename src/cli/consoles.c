/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's consoles.
 */
#include <string.h>

#include "cli/consoles.h"

static const char virtio[] = "virtio=";

bool console_is_virtio(const char *text)
{
	return !strncmp(text, virtio, sizeof(virtio) - 1);
}
