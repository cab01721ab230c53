/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: the entropy device. The input is a script of what the driver does, right or wrong (fuzz_kind.h).
 *
 * Beside the sanitizers: read-only RAM keeps its content, and a reset leaves nothing in flight.
 */
#include "dev/virtio/virtio.h"
#include "tests/fuzz/fuzz_kind.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *rom;

static void build(void)
{
	AxVirtioRngConfig config = AX_VIRTIO_RNG_CONFIG_INIT;
	AxVirtio *virtio;
	AxMemView view;

	kind_build();
	kind_must(ax_mem_get(kind.vm, KIND_ROM_BASE, KIND_ROM_SIZE, AX_MEM_WRITE, &view));
	rom = view.host;
	memset(rom, 0x5a, KIND_ROM_SIZE);
	ax_mem_put(kind.vm, &view, KIND_ROM_SIZE);
	config.host = kind.host;
	kind_must(ax_virtio_rng_new(&config, &virtio, NULL));
	kind_attach(virtio);
}

/* A buffer of one or two pieces, in order, where the driver may offer it. */
static void put_buffer(uint8_t how)
{
	for (unsigned i = 0; i < 2; i++) {
		struct virtq_desc desc = { .addr = KIND_RAM_BASE + KIND_RAM_SIZE / 2 + 0x2000 * i,
					   .len = kind_u16() % 0x2000,
					   .flags = VIRTQ_DESC_WRITE,
					   .next = (uint16_t)((how + 1) % KIND_QUEUE_SIZE) };

		if (!i && how & 0x80)
			desc.flags |= VIRTQ_DESC_NEXT;
		memcpy(kind_queue(0) + (how + i) % KIND_QUEUE_SIZE * sizeof(desc), &desc,
		       sizeof(desc));
	}
}

static void call(void)
{
	uint8_t what = script_u8(&kind.script), with = script_u8(&kind.script);

	if (!kind_call(what, with))
		put_buffer(with);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!kind.vm)
		build();
	kind_begin(data, size);
	for (unsigned i = 0; i < KIND_CALLS && !script_is_over(&kind.script); i++)
		call();
	for (unsigned i = 0; i < KIND_ROM_SIZE; i++) {
		if (rom[i] != 0x5a)
			model_breach("read-only RAM was written");
	}
	kind_end();
	return 0;
}
