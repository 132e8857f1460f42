#!/usr/bin/perl
# A CGI program of Perl's own modules.
use strict;
use warnings;
use Fcntl;
use IO::Handle;
use JSON::PP;

my $spool = $ENV{SPOOL};

sub keep {
	my ($body) = @_;
	my $uuid = decode_json($body)->{uuid};
	$uuid =~ /^[A-Za-z0-9-]+$/ or return 0;
	my $part = "$spool/tmp/$uuid";
	sysopen my $file, $part, O_WRONLY | O_CREAT | O_EXCL or return 0;
	print $file $body;
	$file->flush && $file->sync or return 0;
	rename $part, "$spool/new/$uuid.json" or return 0;
	sysopen my $directory, "$spool/new", O_RDONLY or return 0;
	return $directory->sync;
}

read STDIN, my $body, $ENV{CONTENT_LENGTH} || 0;
print "Status: 503 Service Unavailable\r\n" if $body ne '' && !keep($body);
print "Validation-Token: $ENV{HTTP_VALIDATION_TOKEN}\r\n" if $ENV{HTTP_VALIDATION_TOKEN};
print "Content-Type: application/json\r\n\r\n";
