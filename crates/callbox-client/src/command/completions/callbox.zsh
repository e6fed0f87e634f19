#compdef callbox
# Completions of callbox for zsh: source <(callbox completions zsh), or _callbox in the fpath
_callbox() {
  local word verb= url=${CALLBOX_URL-} skip= has_method=
  local -a options candidates
  for word in "${(@Q)words[2,CURRENT-1]}"; do
    if [[ -n $skip ]]; then
      [[ $skip == (-u|--user|--timeout) ]] || options+=("$skip" "$word")
      skip=
      continue
    fi
    case $word in
      (-u|--user|--timeout|--token-file|--cacert|--cert|--key) skip=$word ;;
      (-*) ;;
      (*://*) if [[ -z $has_method ]]; then url=$word; verb=${verb:-none}; fi ;;
      (list|call|help|completions) if [[ -n $verb ]]; then has_method=yes; else verb=$word; fi ;;
      (*) has_method=yes ;;
    esac
  done
  case $skip in
    (--token-file|--cacert|--cert|--key) _files; return ;;
    (?*) return 1 ;;
  esac
  if [[ $words[CURRENT] == -* ]]; then
    candidates=(--struct --json --raw --verbose --user --token-file --cacert --cert --key --timeout --help --version)
  elif [[ $verb == completions ]]; then
    candidates=(bash zsh fish)
  elif [[ -z $has_method ]]; then
    [[ -n $verb ]] || candidates=(list call help completions)
    if [[ -n $url && $verb != list ]]; then
      candidates+=("${(@f)$(CALLBOX_URL=$url callbox __methods --timeout 3s $options 2>/dev/null </dev/null)}")
    fi
  else
    _files
    return
  fi
  compadd -- $candidates
}
if [[ $funcstack[1] == _callbox ]]; then
  _callbox "$@"
else
  compdef _callbox callbox
fi
