# Completions of callbox for fish: callbox completions fish | source
function __callbox_candidates
    set -l verb
    set -l url $CALLBOX_URL
    set -l skip
    set -l options
    set -l has_method
    for word in (commandline -opc)[2..-1]
        if test -n "$skip"
            contains -- $skip -u --user --timeout; or set -a options $skip $word
            set skip
            continue
        end
        switch $word
            case -u --user --timeout --token-file --cacert --cert --key
                set skip $word
            case '-*'
            case '*://*'
                if test -z "$has_method"
                    set url $word
                    test -n "$verb"; or set verb none
                end
            case list call help completions
                if test -n "$verb"
                    set has_method yes
                else
                    set verb $word
                end
            case '*'
                set has_method yes
        end
    end
    test -n "$skip$has_method"; and return
    if test "$verb" = completions
        printf '%s\n' bash zsh fish
        return
    end
    test -n "$verb"; or printf '%s\n' list call help completions
    if test -n "$url" -a "$verb" != list
        env CALLBOX_URL=$url callbox __methods --timeout 3s $options 2>/dev/null </dev/null
    end
end

complete -c callbox -f -a '(__callbox_candidates)'
complete -c callbox -l struct -d 'ARGs are NAME=ARG, and make one struct'
complete -c callbox -l json -d 'the answer as JSON'
complete -c callbox -l raw -d 'the answer as the document that it is'
complete -c callbox -s v -l verbose -d 'shows both documents on stderr'
complete -c callbox -s u -l user -x -d 'who calls; the password is asked for'
complete -c callbox -l token-file -r -F -d 'a file of who calls'
complete -c callbox -l cacert -r -F -d 'believes these authorities'
complete -c callbox -l cert -r -F -d 'our own certificate'
complete -c callbox -l key -r -F -d 'its key'
complete -c callbox -l timeout -x -d 'for all of a call'
complete -c callbox -s h -l help -d 'help'
complete -c callbox -s V -l version -d 'the version'
