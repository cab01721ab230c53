/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: compressed images. The input is a gzip file, an EFI boot image of Linux, or anything; both
 * machines that unpack look at it, with little memory.
 */
#include "boot/image.h"
#include "tests/fuzz/fuzz_image.h"

#define LIMIT 0x10000

static void unpack_as(const uint8_t *data, size_t size, uint32_t machine)
{
	AxImageSource source = AX_IMAGE_SOURCE_INIT, unpacked = AX_IMAGE_SOURCE_INIT;
	AxError err = AX_ERROR_INIT;
	int ret;

	source.bytes = data;
	source.len = size;
	ret = boot_unpack(&source, machine, LIMIT, &unpacked, &err);
	if (ret && ret != -ENOEXEC && ret != -ENOMEM)
		fuzz_breach("an errno that is not documented");
	if (ret && (unpacked.bytes || !err.message[0]))
		fuzz_breach("a refusal without a message, or with an image");
	if (!unpacked.bytes)
		return;
	if (!unpacked.len || unpacked.len > LIMIT)
		fuzz_breach("an image that is larger than memory, or empty");
	/* All of it can be read. */
	for (size_t i = 0; i < unpacked.len; i++)
		(void)((const volatile uint8_t *)unpacked.bytes)[i];
	ax_image_file_close(&unpacked);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unpack_as(data, size, AX_IMAGE_FOR_ARM64);
	unpack_as(data, size, AX_IMAGE_FOR_RISCV64);
	return 0;
}
