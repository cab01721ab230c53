/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: the balloon device. The input is a script of what the driver does, right or wrong
 * (fuzz_kind.h), with page numbers, free pages and statistics of any value, and of what the host asks
 * for.
 *
 * Beside the sanitizers: every page that was given is either returned to the host or counted as
 * ignored, and read-only RAM keeps its content.
 */
#include "dev/virtio/balloon.h"
#include "tests/fuzz/fuzz_kind.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *rom;

static void build(void)
{
	AxVirtioBalloonConfig config = AX_VIRTIO_BALLOON_CONFIG_INIT;
	AxVirtio *virtio;
	AxMemView view;

	kind_build();
	kind_must(ax_mem_get(kind.vm, KIND_ROM_BASE, KIND_ROM_SIZE, AX_MEM_WRITE, &view));
	rom = view.host;
	memset(rom, 0x5a, KIND_ROM_SIZE);
	ax_mem_put(kind.vm, &view, KIND_ROM_SIZE);
	config.host = kind.host;
	kind_must(ax_virtio_balloon_new(&config, &virtio, NULL));
	kind_attach(virtio);
}

/* A list of page numbers that means something, where a descriptor may find it. */
static void put_numbers(uint8_t count)
{
	uint32_t number = script_u8(&kind.script) + KIND_RAM_BASE / AX_VIRTIO_BALLOON_PAGE;
	uint16_t at = kind_u16() % (KIND_RAM_SIZE - 1024);
	int step = script_u8(&kind.script) % 7 - 3;

	for (unsigned i = 0; i < count; i++) {
		memcpy(kind.ram + at + 4 * i, &number, sizeof(number));
		number += (uint32_t)step;
	}
}

static void call(void)
{
	uint8_t what = script_u8(&kind.script), with = script_u8(&kind.script);
	struct balloon *balloon = (struct balloon *)kind.virtio;

	if (kind_call(what, with))
		return;
	switch (what % 16) {
	case 12:
	case 13: put_numbers(with); break;
	case 14: (void)ax_virtio_balloon_set_target(kind.virtio, script_u64(&kind.script)); break;
	default:
		/* The time for new statistics has come. */
		virtio_lock(kind.virtio);
		if (balloon->held->taken && virtio_running(kind.virtio)) {
			virtq_push(kind.virtio, 2, balloon->held, 0);
			virtio_interrupt(kind.virtio, 2);
			(void)virtq_want_notify(kind.virtio, 2, true);
		}
		virtio_unlock(kind.virtio);
		break;
	}
}

static void check_pages(void)
{
	AxVirtioBalloonStats stats = AX_VIRTIO_BALLOON_STATS_INIT;

	kind_must(ax_virtio_balloon_stats(kind.virtio, &stats));
	if (stats.discarded + stats.ignored != stats.inflated + stats.reported)
		model_breach("a page is neither returned nor ignored, or both");
	for (unsigned i = 0; i < KIND_ROM_SIZE; i++) {
		if (rom[i] != 0x5a)
			model_breach("read-only RAM was returned");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!kind.vm)
		build();
	kind_begin(data, size);
	for (unsigned i = 0; i < KIND_CALLS && !script_is_over(&kind.script); i++)
		call();
	check_pages();
	kind_end();
	return 0;
}
