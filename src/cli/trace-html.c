/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a trace amounts to, as one HTML page without any other file: head and tables. trace-chart.c
 * draws.
 */
#include <inttypes.h>
#include <time.h>

#include "cli/exit-address.h"
#include "cli/number.h"
#include "cli/trace-chart.h"

#define TOP_ADDRESSES 24

/* Colours of the series are told apart by those who see no red or green, too: Okabe and Ito's. */
static const char style[] =
	":root{color-scheme:light dark;--paper:#fff;--ink:#1c2128;--soft:#5b6470;--line:#d8dde3;"
	"--card:#f6f8fa;--s0:#0072b2;--s1:#e69f00;--s2:#009e73;--s3:#cc79a7;--s4:#56b4e9;"
	"--s5:#d55e00;--s6:#b3a300;--s7:#7a7f87}\n"
	"@media(prefers-color-scheme:dark){:root{--paper:#14181d;--ink:#e6eaef;--soft:#9aa5b1;"
	"--line:#333b45;--card:#1c2229;--s0:#4ba3dd;--s1:#f0b43c;--s2:#2fc194;--s3:#dd97bd;"
	"--s4:#8fd0f5;--s5:#f0803c;--s6:#e0d24a;--s7:#9aa5b1}}\n"
	"body{margin:0 auto;max-width:68rem;padding:1.5rem 1rem 3rem;background:var(--paper);"
	"color:var(--ink);font:15px/1.45 system-ui,sans-serif}\n"
	"h1{font-size:1.5rem;margin:0 0 .2rem}h2{font-size:1.05rem;margin:2rem 0 .6rem}\n"
	"p{margin:.2rem 0}.soft{color:var(--soft)}.warn{color:var(--s5);font-weight:600}\n"
	".cards{display:flex;flex-wrap:wrap;gap:.7rem;margin:1.1rem 0}\n"
	".card{background:var(--card);border:1px solid var(--line);border-radius:8px;"
	"padding:.55rem .9rem;min-width:7.5rem}\n"
	".card b{display:block;font-size:1.25rem}.card span{color:var(--soft);font-size:.85rem}\n"
	".wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9rem}\n"
	"th,td{padding:.28rem .55rem;text-align:right;border-bottom:1px solid var(--line);"
	"white-space:nowrap;font-variant-numeric:tabular-nums}\n"
	"th{color:var(--soft);font-weight:600}th:first-child,td:first-child,.left{text-align:left}"
	"\n"
	"td.bar{width:30%;min-width:8rem}td.bar i{display:block;height:.8rem;border-radius:2px;"
	"background:var(--s0)}\n"
	"svg{display:block;width:100%;height:auto;font:11px system-ui,sans-serif}\n"
	"svg text{fill:var(--soft)}svg .grid{stroke:var(--line)}\n"
	".key{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;font-size:.85rem;margin:.4rem 0}\n"
	".key i{display:inline-block;width:.75rem;height:.75rem;border-radius:2px;"
	"margin-right:.35rem}\n"
	".pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(20rem,1fr));gap:1.2rem}\n"
	"code{font-family:ui-monospace,monospace;font-size:.95em}\n";

/* Text that may hold anything: names are a trace's. Bytes that are no ASCII are shown as '?'. */
static void put_text(const char *text, FILE *out)
{
	for (; *text; text++) {
		switch (*text) {
		case '&': fputs("&amp;", out); break;
		case '<': fputs("&lt;", out); break;
		case '>': fputs("&gt;", out); break;
		case '"': fputs("&quot;", out); break;
		default: fputc(*text >= ' ' && *text < 0x7f ? *text : '?', out); break;
		}
	}
}

static void card(const char *value, const char *what, FILE *out)
{
	fprintf(out, "<div class=card><b>%s</b><span>%s</span></div>\n", value, what);
}

static void put_cards(const struct trace_summary *summary, FILE *out)
{
	uint64_t span = summary->last_ns - summary->first_ns;
	char text[NUMBER_TEXT_SIZE];

	fputs("<div class=cards>\n", out);
	snprintf(text, sizeof(text), "%" PRIu64, summary->exits);
	card(text, "exits", out);
	card(format_duration(span, text), "from first to last", out);
	snprintf(text, sizeof(text), "%.0f",
		 span ? (double)summary->exits * 1e9 / (double)span : 0.0);
	card(text, "exits a second", out);
	card(format_duration(summary->kvm_ns, text), "in KVM and guest", out);
	card(format_duration(summary->handler_ns, text), "in handlers", out);
	snprintf(text, sizeof(text), "%" PRIu32, summary->vcpus);
	card(text, summary->vcpus == 1 ? "vCPU" : "vCPUs", out);
	fputs("</div>\n", out);
	if (summary->lost)
		fprintf(out,
			"<p class=warn>%" PRIu64 " exits are missing, in %" PRIu64 " gaps: they "
			"came faster than they could be written.</p>\n",
			summary->lost, summary->gaps);
	if (!summary->complete)
		fputs("<p class=warn>The trace has no end: it was still being written, its writer "
		      "was killed, or the file is cut.</p>\n",
		      out);
}

static void put_head(const struct trace_summary *summary, FILE *out)
{
	time_t time = (time_t)(summary->realtime_ns / 1000000000);
	char when[40] = "";
	struct tm utc;

	if (gmtime_r(&time, &utc))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &utc);
	fputs("<!doctype html>\n<html lang=en><head><meta charset=utf-8>\n"
	      "<meta name=viewport content=\"width=device-width,initial-scale=1\">\n<title>",
	      out);
	put_text(summary->path, out);
	fprintf(out, " - axvmm trace</title>\n<style>\n%s</style></head>\n<body>\n", style);
	fputs("<h1>Exits of <code>", out);
	put_text(summary->path, out);
	fputs("</code></h1>\n<p class=soft>", out);
	fputs(when, out);
	fprintf(out, ", %s, axvmm ", summary->arch ? summary->arch : "unknown architecture");
	put_text(summary->version, out);
	if (summary->begins > 1)
		fprintf(out, "; %u traces, of a guest that rebooted", summary->begins);
	fputs("</p>\n", out);
	put_cards(summary, out);
}

static void put_percentiles(const struct histogram *histogram, FILE *out)
{
	static const unsigned percents[] = { 50, 99 };
	char text[NUMBER_TEXT_SIZE];

	for (unsigned i = 0; i < sizeof(percents) / sizeof(percents[0]); i++)
		fprintf(out, "<td>%s",
			format_duration(histogram_percentile(histogram, percents[i]), text));
	fprintf(out, "<td>%s", format_duration(histogram->count ? histogram->max : 0, text));
}

static void put_share(uint64_t part, uint64_t total, FILE *out)
{
	fprintf(out, "<td>%.1f&nbsp;%%", total ? (double)part * 100 / (double)total : 0.0);
}

/* A bar as long as the part of the most. */
static void put_bar(uint64_t part, uint64_t most, unsigned series, FILE *out)
{
	fprintf(out, "<td class=bar><i style=\"width:%.1f%%;background:var(--s%u)\"></i>",
		most ? (double)part * 100 / (double)most : 0.0, series);
}

static void put_kinds(const struct trace_summary *summary, const uint32_t *kinds, unsigned count,
		      FILE *out)
{
	char text[NUMBER_TEXT_SIZE];

	fputs("<h2>By reason</h2>\n<div class=wide><table><tr><th>exit<th><th>count<th>share"
	      "<th>KVM and guest<th>median<th>p99<th>max<th>handlers<th>median<th>p99<th>max\n",
	      out);
	for (unsigned i = 0; i < count; i++) {
		uint32_t kind = kinds[i];

		fprintf(out, "<tr><td>%s", ax_exit_name(kind));
		put_bar(summary->kvm[kind].count, summary->kvm[kinds[0]].count, chart_series(i),
			out);
		fprintf(out, "<td>%" PRIu64, summary->kvm[kind].count);
		put_share(summary->kvm[kind].count, summary->exits, out);
		fprintf(out, "<td>%s", format_duration(summary->kvm_sum[kind], text));
		put_percentiles(&summary->kvm[kind], out);
		fprintf(out, "<td>%s", format_duration(summary->handler_sum[kind], text));
		put_percentiles(&summary->handler[kind], out);
		fputc('\n', out);
	}
	fputs("</table></div>\n", out);
}

static uint64_t most_of(const struct trace_summary *summary)
{
	uint64_t most = 0;

	for (int i = 0; i < summary->device_count; i++) {
		if (summary->devices[i].handler.count > most)
			most = summary->devices[i].handler.count;
	}
	return most;
}

static void put_devices(const struct trace_summary *summary, FILE *out)
{
	char text[NUMBER_TEXT_SIZE];

	if (!summary->device_count)
		return;
	fputs("<h2>By device</h2>\n<div class=wide><table><tr><th>device<th><th>exits<th>share"
	      "<th>reads<th>writes<th>handlers<th>median<th>p99<th>max\n",
	      out);
	for (int i = 0; i < summary->device_count; i++) {
		const struct trace_device *device = &summary->devices[i];

		fputs("<tr><td>", out);
		put_text(device->name, out);
		put_bar(device->handler.count, most_of(summary), 0, out);
		fprintf(out, "<td>%" PRIu64, device->handler.count);
		put_share(device->handler.count, summary->exits, out);
		fprintf(out, "<td>%" PRIu64 "<td>%" PRIu64 "<td>%s", device->reads, device->writes,
			format_duration(device->handler_ns, text));
		put_percentiles(&device->handler, out);
		fputc('\n', out);
	}
	fputs("</table></div>\n", out);
}

static void put_addresses(const struct trace_summary *summary, FILE *out)
{
	const struct trace_address *addresses = summary->addresses;

	if (!addresses[0].count)
		return;
	fputs("<h2>Hottest addresses</h2>\n<div class=wide><table><tr><th>exit"
	      "<th class=left>where<th class=left>device<th><th>count<th>share\n",
	      out);
	for (unsigned i = 0; i < TOP_ADDRESSES && addresses[i].count; i++) {
		fprintf(out,
			"<tr><td>%s<td class=left>%s <code>0x%" PRIx64 "</code><td class=left>",
			ax_exit_name(addresses[i].kind), exit_address_space(addresses[i].kind),
			addresses[i].address);
		if (addresses[i].device >= 0)
			put_text(summary->devices[addresses[i].device].name, out);
		put_bar(addresses[i].count, addresses[0].count, 2, out);
		fprintf(out, "<td>%" PRIu64, addresses[i].count);
		put_share(addresses[i].count, summary->exits, out);
		fputc('\n', out);
	}
	fputs("</table></div>\n", out);
	if (summary->elsewhere)
		fprintf(out,
			"<p class=soft>%" PRIu64 " exits were at more addresses than are counted "
			"one by one.</p>\n",
			summary->elsewhere);
}

void trace_summary_html(const struct trace_summary *summary, FILE *out)
{
	uint32_t kinds[AX_EXIT_KINDS];
	unsigned count = trace_summary_kinds(summary, kinds);

	put_head(summary, out);
	if (count) {
		chart_over_time(summary, kinds, count, out);
		put_kinds(summary, kinds, count, out);
		put_devices(summary, out);
		put_addresses(summary, out);
		fputs("<h2>How long they took</h2>\n<div class=pair>\n", out);
		chart_latencies("In KVM and guest, by reason", summary->kvm, kinds, count, out);
		chart_latencies("In handlers, by reason", summary->handler, kinds, count, out);
		fputs("</div>\n", out);
	}
	fputs("</body></html>\n", out);
}
