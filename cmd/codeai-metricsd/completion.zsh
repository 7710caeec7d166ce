#compdef codeai-metricsd
# zsh completion for codeai-metricsd(8): the options that its help prints.

_codeai_metricsd() {
	local -a options

	if [[ ${words[CURRENT]} == --*=* || ${words[CURRENT]} != -* ]]; then
		[[ ${words[CURRENT]} != --*=* ]] || compset -P 1 '*='
		_files
		return
	fi
	options=(${(f)"$(${words[1]} --help 2>/dev/null |
	    grep -oE -- '--[a-z][a-z.-]*=?' | sort -u)"})
	compadd -S '' -- $options
}

_codeai_metricsd "$@"
