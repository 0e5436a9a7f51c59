# Completion of iepile for fish, made by: iepile shell-completion fish

# tables

function __iepile_complete
    set -l tokens (commandline -opc)
    set -l current (commandline -ct)
    if test (count $tokens) -eq 1
        __iepile_below ''
        printf '%s\t%s\n' --help 'Tell what there is.' --version 'Tell the version.'
        return
    end
    set -l command (string replace -a _ - -- $tokens[2])
    set -l words (__iepile_below $command)
    if test (count $tokens) -gt 2
        if contains -- $tokens[3] (string split -f 1 \t -- $words)
            set command "$command $tokens[3]"
        end
        set words
    end
    set -l before $tokens[-1]
    set -l start ''
    set -l value $current
    if string match -q -- '--*=*' $current
        set before (string split -m 1 = -- $current)[1]
        set value (string split -m 1 = -- $current)[2]
        set start "$before="
    end
    set -l flags (__iepile_flags $command)
    if string match -q -- '--*' $before
        set before --(string replace -a -- - _ (string sub -s 3 -- $before))
        if contains -- $before (string split -f 1 \t -- $flags); and not contains -- $before (__iepile_switches $command)
            set -l given (__iepile_values "$command $before")
            if test (count $given) -gt 0
                # Lists with commas: the last of them.
                string match -q '*,*' -- $value; and set start $start(string replace -r '[^,]*$' '' -- $value)
                printf '%s\n' $start$given
            else
                for path in (__fish_complete_path $value)
                    echo $start$path
                end
            end
            return
        end
    end
    if string match -q -- '-*' $current
        printf '%s\n' $flags
        # Dashes are as good as underscores.
        if string match -q -- '--*-*' $current
            string replace -ra -- '(?<!^)(?<!^-)_(?=[^\t]*\t)' - $flags
        end
        return
    end
    if test (count $words) -eq 0
        set words (__iepile_values $command)
    end
    if test (count $words) -gt 0
        printf '%s\n' $words
    else
        __fish_complete_path $current
    end
end

complete -c iepile -f -a '(__iepile_complete)'
