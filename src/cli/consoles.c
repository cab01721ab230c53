/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's consoles.
 */
#include "cli/consoles.h"
