/* page.S: the files of page/ as they are, each with a NUL. */
	.section .rodata

	.macro page_file name, path
	.global \name
	.hidden \name
	.type \name, %object
\name:
	.incbin "\path"
	.byte 0
	.size \name, . - \name
	.endm

	page_file page_html, "cmd/codeai-metricsd/live/page/page.html"
	page_file page_css, "cmd/codeai-metricsd/live/page/page.css"
	page_file page_main_js, "cmd/codeai-metricsd/live/page/main.js"
	page_file page_api_js, "cmd/codeai-metricsd/live/page/api.js"
	page_file page_format_js, "cmd/codeai-metricsd/live/page/format.js"
	page_file page_chart_js, "cmd/codeai-metricsd/live/page/chart.js"
	page_file page_panels_js, "cmd/codeai-metricsd/live/page/panels.js"
	page_file page_icon_svg, "cmd/codeai-metricsd/live/page/icon.svg"
	page_file page_search_js, "cmd/codeai-metricsd/live/page/search.js"

	.section .note.GNU-stack, "", %progbits
