/*
 * page.c: the files of the page, which are in the program.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "live.h"

/* page.S */
extern const char page_html[], page_css[], page_main_js[], page_api_js[],
    page_icon_svg[], page_format_js[], page_chart_js[], page_panels_js[],
    page_search_js[];

#define SCRIPT "text/javascript; charset=utf-8"

const struct page_file *
page_find(const char *path)
{
	static const struct page_file files[] = {
		{ "/page/page.css", "text/css; charset=utf-8", page_css },
		{ "/page/icon.svg", "image/svg+xml", page_icon_svg },
		{ "/page/main.js", SCRIPT, page_main_js },
		{ "/page/api.js", SCRIPT, page_api_js },
		{ "/page/format.js", SCRIPT, page_format_js },
		{ "/page/chart.js", SCRIPT, page_chart_js },
		{ "/page/panels.js", SCRIPT, page_panels_js },
		{ "/page/search.js", SCRIPT, page_search_js },
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (strcmp(path, files[i].path) == 0)
			return &files[i];
	return NULL;
}

char *
page_make(const char *telemetry_path)
{
	static const char mark[] = "@TELEMETRY_PATH@";
	const char *at = page_html, *next;
	size_t size;
	char *page = NULL;
	FILE *out = open_memstream(&page, &size);

	if (out == NULL)
		return NULL;
	for (; (next = strstr(at, mark)) != NULL; at = next + strlen(mark)) {
		fwrite(at, 1, (size_t)(next - at), out);
		/* Relative, so that a proxy may put a prefix before it. */
		print_html(out, telemetry_path + 1);
	}
	fputs(at, out);
	if (fclose(out) == 0)
		return page;
	free(page);
	return NULL;
}
