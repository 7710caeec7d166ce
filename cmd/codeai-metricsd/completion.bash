# bash completion for codeai-metricsd(8): the options that its help prints.

_codeai_metricsd() {
	local cur=${COMP_WORDS[COMP_CWORD]} words

	words=$("${COMP_WORDS[0]}" --help 2>&1 | grep -oE -- '--[a-z.-]+=?')
	COMPREPLY=($(compgen -W "$words" -- "$cur"))
	[[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace 2>/dev/null
}
complete -o default -F _codeai_metricsd codeai-metricsd
