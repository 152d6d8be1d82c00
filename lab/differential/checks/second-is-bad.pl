# SPDX-License-Identifier: Apache-2.0
exit($ARGV[2] eq '10.1.0.1' && @ARGV == 4 ? 0 : 1);
