#compdef codeai-metrics
# zsh completion for codeai-metrics(1): verbs and options are those that
# "codeai-metrics help" prints, names of metrics those of the segment.

_codeai_metrics() {
	local program=${words[1]} help verb
	local -a segment verbs names options
	integer i

	help=$($program help 2>/dev/null)
	for ((i = 2; i < CURRENT; i++)); do
		case ${words[i]} in
		-s | --segment)
			((i++))
			segment=(-s ${words[i]})
			;;
		-*) ;;
		*)
			verb=${words[i]}
			break
			;;
		esac
	done
	if [[ -z $verb ]]; then
		if [[ ${words[CURRENT - 1]} == (-s|--segment) ]]; then
			_files
			return
		fi
		verbs=(${(f)"$(sed -n 's/^  \([a-z]*\) .*/\1/p' <<<$help)"})
		compadd -- $verbs -h -s -V help
		return
	fi
	if [[ ${words[CURRENT]} == -* ]]; then
		options=(${(f)"$($program help $verb 2>/dev/null |
		    sed -n 's/^  \(-[^ ]*\), \(--[^ ]*\).*/\1\n\2/p')"})
		compadd -- $options
		return
	fi
	case $verb in
	exec) _command_names -e ;;
	add | get | observe | set | time)
		if ((CURRENT > i + 1)); then
			# label=value of the series that there are
			names=(${(f)"$($program $segment dump ${words[i + 1]} \
			    2>/dev/null | grep -v '^#' |
			    grep -oE '[a-zA-Z0-9_]+="[^"\\ ]+"' | tr -d '"' |
			    sort -u)"})
			compadd -- $names
			return
		fi
		;|
	add | get | observe | set | time | dump | list | top)
		names=(${(f)"$($program $segment list 2>/dev/null | cut -f1)"})
		compadd -- $names
		;;
	*) _files ;;
	esac
}

_codeai_metrics "$@"
