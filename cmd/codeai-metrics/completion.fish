# fish completion for codeai-metrics(1): verbs are those that "codeai-metrics
# help" prints, names of metrics those of the segment.

function __codeai_metrics_verbs
    codeai-metrics help 2>/dev/null | sed -n 's/^  \([a-z]*\) .*/\1/p'
end

function __codeai_metrics_verb
    set -l words (commandline -opc)
    set -l verbs (__codeai_metrics_verbs)
    for word in $words[2..-1]
        if contains -- $word $verbs
            echo $word
            return 0
        end
    end
    return 1
end

function __codeai_metrics_names
    set -l words (commandline -opc)
    set -l segment
    for i in (seq (count $words))
        if contains -- $words[$i] -s --segment
            set segment -s $words[(math $i + 1)]
        end
    end
    codeai-metrics $segment list 2>/dev/null | cut -f1
end

# The options of the verb, each with its help.
function __codeai_metrics_options
    codeai-metrics help (__codeai_metrics_verb) 2>/dev/null |
        sed -nE 's/^  (-[^ ]*), (--[^ ]*)( [A-Z]+)? +(.*)/\1\t\4\n\2\t\4/p'
end

# label=value of the series that there are.
function __codeai_metrics_labels
    set -l words (commandline -opc)
    set -l verb (__codeai_metrics_verb)
    set -l at (contains -i -- $verb $words)
    set -l family $words[(math $at + 1)]
    test -n "$family"; or return
    codeai-metrics dump $family 2>/dev/null | string match -v '#*' |
        string match -ar '[a-zA-Z0-9_]+="[^"\\\\ ]+"' |
        string replace -a '"' '' | sort -u
end

complete -c codeai-metrics -s s -l segment -r -d 'segment'
complete -c codeai-metrics -s h -l help -d 'help'
complete -c codeai-metrics -s V -l version -d 'version'
complete -c codeai-metrics -n 'not __codeai_metrics_verb >/dev/null' -f \
    -a '(__codeai_metrics_verbs)'
complete -c codeai-metrics \
    -n 'contains -- (__codeai_metrics_verb) add get observe set time dump list top' \
    -f -a '(__codeai_metrics_names)'
complete -c codeai-metrics \
    -n 'contains -- (__codeai_metrics_verb) add get observe set time' \
    -f -a '(__codeai_metrics_labels)'
complete -c codeai-metrics \
    -n '__codeai_metrics_verb >/dev/null; and string match -q -- "-*" (commandline -ct)' \
    -f -a '(__codeai_metrics_options)'
