/* SPDX-License-Identifier: Apache-2.0 */
/*
 * axvmm top: as text, for a terminal of any size.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "cli/number.h"
#include "cli/top.h"

#define TEXT_MAX   512
#define LIST_WIDTH 10 /* of what stands before a list */
#define ROWS_MAX   64

/* Where lines go. */
struct page {
	FILE *file;
	size_t width, height, lines;
	const char *end;
};

/* A line, cut to the width; what a terminal would obey, or show as something else, is replaced. */
static void __attribute__((format(printf, 2, 3)))
put_line(struct page *page, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list args;
	size_t len;

	if (page->height && page->lines == page->height)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	len = strlen(text);
	if (len > page->width)
		len = page->width;
	while (len && text[len - 1] == ' ')
		len--;
	for (size_t i = 0; i < len; i++)
		fputc(text[i] < ' ' || text[i] > '~' ? '?' : text[i], page->file);
	page->lines++;
	/* A newline after the last line would move a whole screen up. */
	if (!page->height || page->lines < page->height)
		fputs(page->end, page->file);
}

/* "0", "3.2", "870", "12.3 k", "4.0 M". */
static const char *format_rate(double rate, char text[NUMBER_TEXT_SIZE])
{
	static const char units[] = " kMGT";
	unsigned unit = 0;

	while (rate >= 999.5 && unit < sizeof(units) - 2) {
		rate /= 1000;
		unit++;
	}
	if (unit)
		snprintf(text, NUMBER_TEXT_SIZE, "%.*f %c", rate < 99.95 ? 1 : 0, rate,
			 units[unit]);
	else
		snprintf(text, NUMBER_TEXT_SIZE, "%.*f", rate > 0 && rate < 9.95 ? 1 : 0, rate);
	return text;
}

/* Items in as many lines as it takes, up to @lines; the first one begins with @label. */
struct items {
	struct page *page;
	const char *label;
	size_t lines;
	size_t used;
	char text[TEXT_MAX];
};

static void items_flush(struct items *items)
{
	if (items->used && items->lines) {
		put_line(items->page, "  %-*s%s", LIST_WIDTH - 2, items->label, items->text);
		items->label = "";
		items->lines--;
	}
	items->used = 0;
}

static void items_add(struct items *items, const char *text)
{
	size_t room = items->page->width > LIST_WIDTH ? items->page->width - LIST_WIDTH : 1;
	size_t len = strlen(text);

	if (room > TEXT_MAX - 1)
		room = TEXT_MAX - 1;
	if (items->used && items->used + 2 + len > room)
		items_flush(items);
	items->used += (size_t)snprintf(items->text + items->used, TEXT_MAX - items->used, "%s%s",
					items->used ? ", " : "", text);
	if (items->used > TEXT_MAX - 1)
		items->used = TEXT_MAX - 1;
}

static struct items items_begin(struct page *page, const char *label, size_t lines)
{
	return (struct items){ .page = page, .label = label, .lines = lines };
}

static void put_rates(struct page *page, const char *label, const struct top_rate *rates,
		      size_t count, size_t lines)
{
	struct items items = items_begin(page, label, lines);
	char text[100], number[NUMBER_TEXT_SIZE];

	for (size_t i = 0; i < count; i++) {
		snprintf(text, sizeof(text), "%s %s", rates[i].name,
			 format_rate(rates[i].per_s, number));
		items_add(&items, text);
	}
	if (!count)
		items_add(&items, "none");
	items_flush(&items);
}

static void put_summary(struct page *page, const struct top_vm *vm)
{
	char rate[NUMBER_TEXT_SIZE], resident[NUMBER_TEXT_SIZE], memory[NUMBER_TEXT_SIZE];
	struct top_device devices[ROWS_MAX];
	size_t count = top_devices(vm, devices, ROWS_MAX);

	put_line(page, "%-16s %-8s %4s %9s %10s %10s  %s", vm->name, control_text(vm->now, "state"),
		 control_text(vm->now, "cpus"), format_rate(top_exits(vm), rate),
		 format_size(top_number(vm->now, "resident"), resident),
		 format_size(top_number(vm->now, "memory"), memory),
		 count && top_is_busy(&devices[0]) ? devices[0].name : "-");
}

static void put_vcpus(struct page *page, const struct top_vm *vm)
{
	const struct json_value *vcpus = json_member(vm->now, "vcpus");
	struct items items = items_begin(page, "vCPUs", 8);
	char text[100], number[NUMBER_TEXT_SIZE];

	for (const struct json_value *at = vcpus ? vcpus->first : NULL; at; at = at->next) {
		snprintf(text, sizeof(text), "%s %s %s", control_text(at, "id"),
			 control_text(at, "state"), format_rate(top_vcpu_exits(vm, at), number));
		items_add(&items, text);
	}
	items_flush(&items);
}

/* Exits are sampled: "about" is said once, in the manual. */
static void put_devices(struct page *page, const struct top_vm *vm)
{
	struct items items = items_begin(page, "devices", 4);
	char text[160], exits[NUMBER_TEXT_SIZE], requests[NUMBER_TEXT_SIZE];
	struct top_device devices[ROWS_MAX];
	size_t count = top_devices(vm, devices, ROWS_MAX), busy = 0;

	for (size_t i = 0; i < count && top_is_busy(&devices[i]); i++, busy++) {
		if (devices[i].requests > 0 || devices[i].notifications > 0)
			snprintf(text, sizeof(text), "%s %s (%s requests)", devices[i].name,
				 format_rate(devices[i].exits, exits),
				 format_rate(devices[i].requests, requests));
		else
			snprintf(text, sizeof(text), "%s %s", devices[i].name,
				 format_rate(devices[i].exits, exits));
		items_add(&items, text);
	}
	if (!busy)
		items_add(&items, "none");
	items_flush(&items);
}

static void put_kvm(struct page *page, const struct top_vm *vm)
{
	struct top_rate rates[128];

	if (!json_member(vm->now, "kvm_error")) {
		put_rates(page, "KVM", rates, top_kvm(vm, rates, 128), 4);
		return;
	}
	put_line(page, "  %-*s%s", LIST_WIDTH - 2, "KVM", control_text(vm->now, "kvm_error"));
}

static void put_details(struct page *page, const struct top_vm *vm)
{
	struct top_rate rates[ROWS_MAX];

	put_line(page, "%s", "");
	put_line(page, "%s: a second", vm->name);
	put_rates(page, "exits", rates, top_reasons(vm, rates, ROWS_MAX), 4);
	put_vcpus(page, vm);
	put_devices(page, vm);
	put_kvm(page, vm);
}

void top_draw(const struct top *top, FILE *file, size_t width, size_t height, const char *end,
	      const char *headline)
{
	struct page page = { file, width, height, 0, end };

	if (headline)
		put_line(&page, "%s", headline);
	put_line(&page, "%-16s %-8s %4s %9s %10s %10s  %s", "NAME", "STATE", "CPUS", "EXITS/S",
		 "RESIDENT", "MEMORY", "HOTTEST DEVICE");
	for (size_t i = 0; i < top->count; i++)
		put_summary(&page, &top->vms[i]);
	if (!top->count)
		put_line(&page, "no VM with a name runs");
	for (size_t i = 0; i < top->count; i++)
		put_details(&page, &top->vms[i]);
}
