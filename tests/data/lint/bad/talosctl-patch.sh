# expect: DS105 DS213
talosctl gen config home "https://fd09::10:6443" --config-patch '[{"op":"add","path":"/cluster/network/podSubnets","value":["10.9.0.0/16","fd09:1::/56"]},{"op":"add","path":"/cluster/network/serviceSubnets","value":["10.109.0.0/16","fd09:2::/64"]}]'
